package main

import "github.com/spf13/cobra"

func orchestrateCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "orchestrate",
		Short: "Work with orchestrations: documents that chain chaos scenarios",
		Example: `  mockforge orchestrate template --output orchestration.yaml --format yaml
  mockforge orchestrate validate --file orchestration.yaml`,
	})
	c.AddCommand(templateCommand(), validateCommand())
	return c
}
