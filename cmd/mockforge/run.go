package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	var exit *exitError
	if err != nil && (!errors.As(err, &exit) || exit.err != nil) {
		fmt.Fprintf(stderr, "Error: %v\n", err)
		if exit == nil {
			fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", command.CommandPath())
		}
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "mockforge",
		Short: "Chaos experiments that end in a verdict",
		Long: `mockforge runs chaos experiments: orchestrations of steps in which things go
wrong, with expectations that are checked when each step ends.

Exit codes: 0 ok, 1 the run failed, 2 usage or invalid document,
3 something was inconclusive and nothing failed, 4 the server cannot be reached.`,
		Example: `  mockforge orchestrate template --output orchestration.yaml
  mockforge orchestrate validate --file orchestration.yaml
  mockforge orchestrate start --file orchestration.yaml --wait`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("mockforge {{.Version}}\n")
	root.AddCommand(serveCommand(), replayCommand(), orchestrateCommand(), chaosCommand(), versionCommand())
	return root
}

// group is a command that only holds others. By itself it prints its help; a
// word that is none of its commands is an error with a suggestion.
func group(c *cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.SuggestionsMinimumDistance = 3
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		message := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			message += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return errors.New(message)
	}
	return c
}

// flagError suggests a flag for one that does not exist.
func flagError(c *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	flags := &cobra.Command{SuggestionsMinimumDistance: 2} // what finds commands finds flags
	c.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if near := flags.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
		return fmt.Errorf("%w; did you mean --%s?", err, near[0])
	}
	return err
}

// noArgs refuses words that are not flags, and says which flag takes them.
func noArgs(flag string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return nil
		case flag == "":
			return fmt.Errorf("unexpected argument %q", args[0])
		}
		return fmt.Errorf("unexpected argument %q; did you mean --%s %s?", args[0], flag, args[0])
	}
}
