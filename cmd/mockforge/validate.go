package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func validateCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use:   "validate --file FILE",
		Short: "Check an orchestration, and show what it will do",
		Long: `Check an orchestration and show what it will do: when each step is in force,
what it injects, and how likely a request is to meet a fault. All problems are
listed at once, each with its line. Files that end in .json are read as JSON,
all others as YAML.

Warnings do not make a file invalid. Exit code 0: valid; 2: not.`,
		Example: `  mockforge orchestrate validate --file orchestration.yaml
  mockforge orchestrate validate --file orchestration.yaml --format json | jq .duration_seconds`,
		Args: noArgs("file"),
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("unknown format %q: use text or json", format)
			}
			o, warnings, err := orchestrator.Load(file)
			var invalid *orchestrator.InvalidError
			if err != nil && !errors.As(err, &invalid) {
				return &exitError{exitUsage, err}
			}
			report := newReport(file, o, warnings, invalid)
			out := c.OutOrStdout()
			if format == "json" {
				err = writeIndented(out, report)
			} else {
				err = writeReport(out, report)
			}
			if err == nil && invalid != nil {
				return &exitError{code: exitUsage}
			}
			return err
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "orchestration to check")
	c.Flags().StringVar(&format, "format", "text", "text or json")
	_ = c.MarkFlagRequired("file") // fails only for a flag that does not exist
	return c
}

func writeIndented(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
