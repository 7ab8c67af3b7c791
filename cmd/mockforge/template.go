package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func templateCommand() *cobra.Command {
	var output, format string
	var force bool
	c := &cobra.Command{
		Use:   "template --output FILE",
		Short: "Write an orchestration to start from",
		Long: `Write an orchestration to start from: three steps with load and expectations
that run as they are. A file that exists is kept, unless --force is given.`,
		Example: `  mockforge orchestrate template --output orchestration.yaml --format yaml
  mockforge orchestrate template --output orchestration.json
  mockforge orchestrate template --output -`,
		Args: noArgs("output"),
		RunE: func(c *cobra.Command, _ []string) error {
			written, err := templateFormat(output, format, c.Flags().Changed("format"))
			if err != nil {
				return err
			}
			var document bytes.Buffer
			if err := orchestrator.Template(&document, written); err != nil {
				return err
			}
			out := c.OutOrStdout()
			if output == "-" {
				_, err := out.Write(document.Bytes())
				return err
			}
			fmt.Fprintln(out, "Generating orchestration template...")
			if err := create(output, document.Bytes(), force); err != nil {
				return err
			}
			fmt.Fprintf(out, "Template saved to: %s\n", output)
			fmt.Fprintf(out, "Check it with: mockforge orchestrate validate --file %s\n", output)
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVarP(&output, "output", "o", "", "file to write; - for standard output")
	flags.StringVar(&format, "format", "yaml", "yaml or json; by default what the file's name says")
	flags.BoolVar(&force, "force", false, "overwrite a file that exists")
	_ = c.MarkFlagRequired("output") // fails only for a flag that does not exist
	return c
}

// templateFormat is the format to write: the one asked for, else the one in
// which the file will be read.
func templateFormat(output, format string, asked bool) (orchestrator.Format, error) {
	if !asked {
		return orchestrator.FormatOf(output), nil
	}
	chosen, err := orchestrator.ParseFormat(format)
	if err != nil {
		return "", err
	}
	if chosen == orchestrator.YAML && orchestrator.FormatOf(output) == orchestrator.JSON {
		return "", fmt.Errorf("%s would be read as JSON: use --format json, or a name that ends in .yaml", output)
	}
	return chosen, nil
}

// create writes a file, and keeps one that exists unless force is set.
func create(path string, data []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{exitUsage, fmt.Errorf("%s exists: choose another --output, or add --force to overwrite it", path)}
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if _, err := file.Write(data); err != nil {
		file.Close()
		return &exitError{exitUsage, err}
	}
	if err := file.Close(); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
