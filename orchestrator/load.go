package orchestrator

import (
	"fmt"
	"io"
	"os"
)

// Load reads an orchestration from a file: JSON where its name ends in .json,
// else YAML.
//
// The warnings are things that are valid and probably not meant; they are
// returned also when there is an error. The error is an *InvalidError that
// holds everything that is wrong with the document, or the reason for which the
// file cannot be read.
//
// A document is at most 1 MiB and has at most 1,000 steps.
func Load(path string) (o *Orchestration, warnings []Problem, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("load orchestration: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("load orchestration: %w", err)
	}
	return parse(data, FormatOf(path), path)
}

// Parse reads an orchestration from memory. See Load for what it returns. A
// format is one that ParseFormat knows.
func Parse(data []byte, format Format) (o *Orchestration, warnings []Problem, err error) {
	return parse(data, format, "")
}

func parse(data []byte, format Format, file string) (*Orchestration, []Problem, error) {
	format, err := ParseFormat(string(format))
	if err != nil {
		return nil, nil, err
	}
	o, warnings, problems := read(data, format)
	for _, list := range [][]Problem{warnings, problems} {
		for i := range list {
			list[i].File = file
		}
	}
	if len(problems) > 0 {
		return nil, warnings, &InvalidError{Problems: problems}
	}
	return o, warnings, nil
}

func read(data []byte, format Format) (o *Orchestration, warnings, problems []Problem) {
	root, problem := readNode(data, format)
	if problem != nil {
		return nil, nil, []Problem{*problem}
	}
	return decode(root)
}

// readNode reads the tree of a document within the limits of its size.
func readNode(data []byte, format Format) (*node, *Problem) {
	if len(data) > maxBytes {
		return nil, &Problem{Line: 1, Column: 1, Message: fmt.Sprintf("larger than %d bytes", maxBytes)}
	}
	if format == JSON {
		return readJSON(data)
	}
	return readYAML(data)
}

// decode turns the tree of a document into an orchestration and checks it.
func decode(root *node) (o *Orchestration, warnings, problems []Problem) {
	o = &Orchestration{}
	if root.kind == nullNode {
		return o, nil, []Problem{{Line: root.line, Column: root.column, Message: "the document is empty: name and steps are missing"}}
	}
	if message := foreign(root); message != "" {
		return o, nil, []Problem{{Line: root.line, Column: root.column, Message: message}}
	}
	d := &decoder{places: map[string]place{"": root.place}}
	object(o, orchestrationFields()).decode(d, root, "")
	if o.Loop && !d.has("max_iterations") {
		o.MaxIterations = 1
	}
	c := checker{decoder: d, o: o, names: knownTargets(o)}
	c.check()
	sortProblems(d.problems)
	sortProblems(c.warnings)
	return o, c.warnings, d.problems
}
