package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func importCommand() *cobra.Command {
	var file, from, output, format string
	var duration time.Duration
	var force bool
	c := &cobra.Command{
		Use:   "import --file FILE",
		Short: "Give the server an orchestration to keep",
		Long: `Give the server an orchestration to keep under its name, for start --name. One
of the same name is replaced. A file is checked first, as validate does; one
with errors is not sent.

With --from toxiproxy the file is a toxiproxy config: a target of kind tcp for
each proxy, and a step with its toxics. With --output the orchestration is
written to a file and not sent, - is standard output.`,
		Example: `  mockforge orchestrate import --file checkout.yaml
  mockforge orchestrate start --name checkout
  mockforge orchestrate import --from toxiproxy toxiproxy.json --output chaos.yaml`,
		Args: cobra.MaximumNArgs(1),
	}
	r := newRemote(c)
	flags := c.Flags()
	flags.StringVarP(&file, "file", "f", "", "orchestration to import")
	flags.StringVar(&from, "from", "", "what the file is, if no orchestration: toxiproxy")
	flags.DurationVar(&duration, "duration", orchestrator.DefaultScenarioDuration, "of --from: how long the toxics act")
	exportFlags(c, &output, &format, &force, "yaml")
	flags.Lookup("output").DefValue, flags.Lookup("output").Usage = "", "of --from: file to write, - for standard output, in place of sending it"
	output = ""
	completeDocument(c, r)
	c.RunE = func(c *cobra.Command, args []string) error {
		if from == "" {
			if err := noArgs("file")(c, args); err != nil {
				return err
			}
		}
		if len(args) == 1 {
			if file != "" {
				return fmt.Errorf("the file is given twice: by --file and as %s", args[0])
			}
			file = args[0]
		}
		if file == "" {
			return errors.New("required flag(s) \"file\" not set")
		}
		for _, name := range []string{"duration", "output", "format", "force"} {
			switch {
			case !flags.Changed(name):
			case from == "":
				return fmt.Errorf("--%s has no effect without --from", name)
			case output == "" && (name == "format" || name == "force"):
				return fmt.Errorf("--%s has no effect without --output", name)
			}
		}
		if from == "" {
			d, err := readDocument(file)
			if err != nil {
				return err
			}
			return send(c, r, d)
		}
		d, err := translate(file, from, duration)
		if err != nil {
			return err
		}
		if output == "" {
			return send(c, r, d)
		}
		return save(c, d, output, format, force)
	}
	return c
}

// send gives a document to the server.
func send(c *cobra.Command, r *remote, d document) error {
	api, err := r.client(c)
	if err != nil {
		return err
	}
	imported, err := api.Import(c.Context(), d.content, d.format)
	if err != nil {
		return d.refused(err, d.translated)
	}
	out := c.OutOrStdout()
	fmt.Fprintln(out, oneLine(imported.Message))
	return d.writeWarnings(out, imported.Warnings)
}

// translate makes a document of what some other tool reads.
func translate(file, from string, duration time.Duration) (document, error) {
	d := document{path: file, format: orchestrator.YAML, translated: true}
	if from != "toxiproxy" {
		return d, fmt.Errorf("--from: %q is not known: use toxiproxy", from)
	}
	if duration < time.Millisecond {
		return d, fmt.Errorf("--duration: %s is out of range: 1ms or more", duration)
	}
	data, err := readBounded(file)
	if err != nil {
		return d, &exitError{exitUsage, err}
	}
	d.parsed, d.warnings, err = orchestrator.FromToxiproxy(data, duration)
	if invalid := d.located(err); invalid != nil {
		return d, &exitError{exitUsage, fmt.Errorf("%s is not a toxiproxy config that can be imported:\n%s", file, lines(invalid.Problems))}
	}
	if err != nil {
		return d, fmt.Errorf("--duration: %w", err)
	}
	if name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)); name != "" {
		d.parsed.Name = name
	}
	var text bytes.Buffer
	if err := orchestrator.Encode(&text, d.parsed, d.format); err != nil {
		return d, &exitError{exitUsage, err}
	}
	d.content = text.Bytes()
	return d, nil
}

// save writes a document to a file or to standard output. Warnings go where they
// are not in the way.
func save(c *cobra.Command, d document, output, format string, force bool) error {
	chosen, err := templateFormat(output, format, output == "-" || c.Flags().Changed("format"))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := orchestrator.Encode(&text, d.parsed, chosen); err != nil {
		return err
	}
	if err := d.writeWarnings(c.ErrOrStderr(), nil); err != nil {
		return err
	}
	return deliver(c, text.Bytes(), output, force)
}
