package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func replayCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show a recorded run, and verify its decisions",
		Long: `Show what a recorded run did, and make every one of its decisions again with
this version. FILE is what mockforge serve --event-log wrote. Of several runs in
it, the last complete one is taken.

To put your code through the same run, use chaostest.Replay in a Go test.

Exit code 0: every decision came out as recorded; 1: one did not; 2: FILE cannot
be read or verified.`,
		Example: `  mockforge replay run.chaos.jsonl
  mockforge replay run.chaos.jsonl --name checkout`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one event log is needed, like run.chaos.jsonl: %d were given", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"jsonl"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error {
			return replay(c, args[0], name)
		},
	}
	c.Flags().StringVar(&name, "name", "", "take the last run of this orchestration")
	return c
}

func replay(c *cobra.Command, path, name string) error {
	all, err := orchestrator.ReadLogs(path)
	if err == nil {
		var rec *orchestrator.Recording
		if rec, err = orchestrator.PickRecording(all, name); err == nil {
			return verified(c, rec)
		}
	}
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		err = missing
	}
	return &exitError{exitUsage, err}
}

// verified prints the run and what came of making its decisions again.
func verified(c *cobra.Command, rec *orchestrator.Recording) error {
	out := c.OutOrStdout()
	if err := orchestrator.WriteTimeline(out, rec); err != nil {
		return &exitError{exitFailed, err}
	}
	v, err := orchestrator.Verify(c.Context(), rec)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Fprintln(out)
	if v.Difference != nil {
		fmt.Fprintf(out, "This version decides differently: %v\n", v.Difference)
		return &exitError{code: exitFailed}
	}
	fmt.Fprintf(out, "Verified: %d decisions about %d requests, and %d changes of state, came out as recorded; digest %.12s\n",
		v.Decisions, v.Requests, v.Transitions, v.Digest)
	return writeLines(out, "Not verified: ", v.Unverified)
}

func writeLines(w io.Writer, prefix string, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, prefix+line); err != nil {
			return err
		}
	}
	return nil
}
