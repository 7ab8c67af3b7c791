package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func watchCommand() *cobra.Command {
	var id string
	c := &cobra.Command{
		Use:   "watch",
		Short: "Follow the orchestration that runs",
		Long: `Follow the orchestration that runs, or the run with the ID, to its end. Its exit
code says how it went: 0 passed, 1 failed or stopped, 3 inconclusive. Without
--id it is 0, too, when nothing runs.

Ctrl-C never stops a run by itself: on a terminal it offers the choice,
elsewhere the run goes on.`,
		Example: `  mockforge orchestrate watch
  mockforge orchestrate watch --id ID`,
		Args: noArgs("id"),
	}
	r := newRemote(c)
	c.Flags().StringVar(&id, "id", "", "run to follow")
	c.RunE = func(c *cobra.Command, _ []string) error {
		api, err := r.client(c)
		if err != nil {
			return err
		}
		if id != "" {
			return follow(c, r, api, id)
		}
		status, err := api.Status(c.Context())
		if err != nil {
			return serverError(err)
		}
		if status.Running {
			return follow(c, r, api, status.ID)
		}
		out := c.OutOrStdout()
		fmt.Fprintln(out, "No orchestration currently running")
		if status.ID != "" {
			fmt.Fprintf(out, "The last one, %s, ended %s: %s\n", oneLine(status.Name), oneLine(string(status.State)), r.command("orchestrate history --id "+oneLine(status.ID)))
		}
		return nil
	}
	return c
}
