package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// A document is an orchestration on its way from a file to a server.
type document struct {
	path     string
	content  []byte
	format   orchestrator.Format
	parsed   *orchestrator.Orchestration
	warnings []orchestrator.Problem

	translated bool // what is sent is not the file
}

// readDocument reads a file and finds what is wrong with it before the server
// does: the lines are those that validate prints.
func readDocument(path string) (document, error) {
	d := document{path: path, format: orchestrator.FormatOf(path)}
	var err error
	if d.content, err = readBounded(path); err != nil {
		return d, &exitError{exitUsage, err}
	}
	d.parsed, d.warnings, err = orchestrator.Parse(d.content, d.format)
	if invalid := d.located(err); invalid != nil {
		return d, invalidDocument(path, invalid.Problems)
	}
	return d, err
}

// located names the file in what was found in it. It returns err where that
// lists what makes the document invalid.
func (d *document) located(err error) *orchestrator.InvalidError {
	for i := range d.warnings {
		d.warnings[i].File = d.path
	}
	invalid, ok := errors.AsType[*orchestrator.InvalidError](err)
	if !ok {
		return nil
	}
	for i := range invalid.Problems {
		invalid.Problems[i].File = d.path
	}
	return invalid
}

// readBounded reads a file up to a size that every document check refuses.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 4<<20))
}

func invalidDocument(path string, problems []orchestrator.Problem) error {
	return &exitError{exitUsage, fmt.Errorf("%s has errors, and was not sent:\n%s", path, lines(problems))}
}

// lines is each problem on a line, indented.
func lines(problems []orchestrator.Problem) string {
	var b strings.Builder
	for i, p := range problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("  " + p.String())
	}
	return b.String()
}

// refused names the file in what the server found. The lines and columns are
// those of what was sent; they are left out where that is not the file.
func (d document) refused(err error, rewritten bool) error {
	var refused *client.Error
	if !errors.As(err, &refused) || len(refused.Problems) == 0 {
		return serverError(err)
	}
	for i := range refused.Problems {
		p := &refused.Problems[i]
		p.File = d.path
		if rewritten {
			p.Line, p.Column = 0, 0
		}
	}
	return &exitError{exitUsage, fmt.Errorf("%s: %s:\n%s", d.path, refused.Message, lines(refused.Problems))}
}

// writeWarnings prints a document's own warnings and those that only the server
// has.
func (d document) writeWarnings(w io.Writer, server []orchestrator.Problem) error {
	known := map[string]bool{}
	all := append([]orchestrator.Problem{}, d.warnings...)
	for _, p := range d.warnings {
		known[p.Path+p.Message] = true
	}
	for _, p := range server {
		if !known[p.Path+p.Message] {
			p.Line, p.Column = 0, 0
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nWarnings:\n%s\n", lines(all))
	return err
}
