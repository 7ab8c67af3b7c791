package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server/client"
)

func stopCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "stop",
		Short: "Stop the orchestration that runs",
		Long: `Stop the orchestration that runs: at once, with all its faults. It is no error
when none does.`,
		Example: `  mockforge orchestrate stop
  mockforge orchestrate stop --base-url http://localhost:3000`,
		Args: noArgs(""),
	}
	return callCommand(c, newRemote(c), func(c *cobra.Command, _ []string, api *client.Client) (client.Reply, error) {
		fmt.Fprintln(c.OutOrStdout(), "Stopping orchestration...")
		return api.Stop(c.Context())
	})
}
