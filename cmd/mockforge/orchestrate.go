package main

import "github.com/spf13/cobra"

func orchestrateCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "orchestrate",
		Short: "Work with orchestrations: documents that chain chaos scenarios",
		Example: `  mockforge orchestrate template --output orchestration.yaml --format yaml
  mockforge orchestrate validate --file orchestration.yaml
  mockforge orchestrate start --file orchestration.yaml --wait`,
	})
	c.AddCommand(templateCommand(), validateCommand(),
		startCommand(), statusCommand(), watchCommand(), stopCommand(), historyCommand(),
		importCommand(), listCommand(), exportCommand(), deleteCommand())
	return c
}
