package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// exportFlags are those of a command that writes a document.
func exportFlags(c *cobra.Command, output, format *string, force *bool, standard string) {
	flags := c.Flags()
	flags.StringVarP(output, "output", "o", "-", "file to write; - for standard output")
	flags.StringVar(format, "format", standard, "yaml or json; by default what the file's name says")
	flags.BoolVar(force, "force", false, "overwrite a file that exists")
}

// export writes a document of the server to a file or to standard output.
func export(c *cobra.Command, r *remote, output, format string, force bool, get func(*client.Client, orchestrator.Format) ([]byte, error)) error {
	chosen, err := templateFormat(output, format, output == "-" || c.Flags().Changed("format"))
	if err != nil {
		return err
	}
	api, err := r.client(c)
	if err != nil {
		return err
	}
	document, err := get(api, chosen)
	if err != nil {
		return serverError(err)
	}
	return deliver(c, document, output, force)
}

// deliver puts a document where --output says.
func deliver(c *cobra.Command, document []byte, output string, force bool) error {
	out := c.OutOrStdout()
	if output == "-" {
		_, err := out.Write(document)
		return err
	}
	if err := create(output, document, force); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "Saved to: %s\n", output)
	return err
}
