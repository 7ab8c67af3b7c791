package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// The documents that a server keeps under their names: list, export and delete,
// besides import.

func listCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the orchestrations that the server keeps",
		Example: `  mockforge orchestrate list`,
		Args:    noArgs(""),
	}
	r := newRemote(c)
	outputFlag(c, &output)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return show(c, r, output, listed((*client.Client).List), func(w io.Writer, kept []client.Imported) error {
			if len(kept) == 0 {
				_, err := fmt.Fprintf(w, "No orchestrations yet. Import one with: %s\n", r.command("orchestrate import --file FILE"))
				return err
			}
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tSTEPS\tTAGS\tDESCRIPTION")
			for _, o := range kept {
				fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", oneLine(o.Name), o.Steps, list(o.Tags), firstLine(o.Description))
			}
			return table.Flush()
		})
	}
	return c
}

func exportCommand() *cobra.Command {
	var name, output, format string
	var force bool
	c := &cobra.Command{
		Use:   "export --name NAME",
		Short: "Write an orchestration that the server keeps to a file",
		Long: `Write an orchestration that the server keeps to a file, or to standard output.
A file that exists is kept, unless --force is given.`,
		Example: `  mockforge orchestrate export --name checkout
  mockforge orchestrate export --name checkout --output checkout.json`,
		Args: noArgs("name"),
	}
	r := newRemote(c)
	flags := c.Flags()
	flags.StringVar(&name, "name", "", "orchestration to export")
	exportFlags(c, &output, &format, &force, "yaml")
	_ = c.MarkFlagRequired("name") // fails only for a flag that does not exist
	completeDocument(c, r)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return export(c, r, output, format, force, func(api *client.Client, format orchestrator.Format) ([]byte, error) {
			content, err := api.Export(c.Context(), name, format)
			return content, r.unlisted(err, "orchestrate list")
		})
	}
	return c
}

func deleteCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:     "delete --name NAME",
		Short:   "Make the server forget an orchestration",
		Example: `  mockforge orchestrate delete --name checkout`,
		Args:    noArgs("name"),
	}
	c.Flags().StringVar(&name, "name", "", "orchestration to delete")
	_ = c.MarkFlagRequired("name") // fails only for a flag that does not exist
	r := newRemote(c)
	completeDocument(c, r)
	return callCommand(c, r, func(c *cobra.Command, _ []string, api *client.Client) (client.Reply, error) {
		reply, err := api.Delete(c.Context(), name)
		return reply, r.unlisted(err, "orchestrate list")
	})
}
