package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func historyCommand() *cobra.Command {
	var id, output string
	c := &cobra.Command{
		Use:   "history",
		Short: "List the last runs, or show one of them",
		Long: `List the last runs, the newest first, or show one of them with each step's
verdict. The exit code is 0 whatever the verdict.`,
		Example: `  mockforge orchestrate history
  mockforge orchestrate history --id ID --output json`,
		Args: noArgs("id"),
	}
	r := newRemote(c)
	c.Flags().StringVar(&id, "id", "", "run to show")
	outputFlag(c, &output)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if id == "" {
			return show(c, r, output, listed((*client.Client).History), writeHistory)
		}
		return show(c, r, output, func(api *client.Client, ctx context.Context) (orchestrator.Report, error) { return api.Run(ctx, id) }, writeVerdict)
	}
	return c
}

func writeHistory(w io.Writer, runs []orchestrator.Report) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "No runs yet.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSTATE\tSTARTED\tELAPSED\tFAILED STEPS")
	for _, r := range runs {
		started := "-"
		if !r.Started.IsZero() {
			started = r.Started.Format(time.DateTime + "Z07:00")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(r.ID), oneLine(r.Name), oneLine(string(r.State)), started, seconds(r.Elapsed), list(r.Failed))
	}
	return table.Flush()
}

// firstLine is the beginning of a description.
func firstLine(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return oneLine(strings.TrimSpace(first))
}
