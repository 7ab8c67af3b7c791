package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func statusCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the orchestration that runs, or the last one",
		Long: `Show the orchestration that runs, or the last one: one field on a line, in text
and in JSON, so that a script can look for a line. The exit code is 0 whenever
the server answers; watch and start --wait have one that says how a run went.`,
		Example: `  mockforge orchestrate status
  mockforge orchestrate status --output json | jq .progress
  while mockforge orchestrate status | grep -q "is_running.*true"; do sleep 10; done`,
		Args: noArgs(""),
	}
	r := newRemote(c)
	outputFlag(c, &output)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return show(c, r, output, (*client.Client).Status, writeStatus)
	}
	return c
}

// writeStatus writes one field on a line. The first three are there always.
func writeStatus(w io.Writer, s client.Status) error {
	var b strings.Builder
	name := "null"
	if s.Name != "" {
		name = oneLine(s.Name)
	}
	fmt.Fprintf(&b, "is_running: %t\nname: %s\nprogress: %.2f\n", s.Running, name, s.Progress)
	if s.Name != "" {
		writeFields(&b, s.Report)
	}
	if !s.Running {
		b.WriteString("No orchestration currently running\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFields(b *strings.Builder, r orchestrator.Report) {
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "%s: %s\n", name, value)
		}
	}
	field("state", string(r.State))
	field("reason", oneLine(r.Reason))
	if len(r.Current) > 0 {
		field("step", list(r.Current))
	}
	field("iteration", iteration(r))
	field("elapsed", seconds(r.Elapsed))
	if r.Remaining > 0 {
		field("remaining", seconds(r.Remaining))
	}
	field("failed_steps", list(r.Failed))
	if r.Counts.Operations > 0 {
		field("operations", operations(r.Counts))
	}
	field("requests", requests(r.Counts))
	field("injected", injected(r.Counts.Injected))
	field("circuit_breakers", breakers(r.Breakers))
	field("id", oneLine(r.ID))
	field("seed", oneLine(r.Seed))
}

// operations is the client's side in a line.
func operations(c orchestrator.CountsReport) string {
	return fmt.Sprintf("%d, %s failed, p50 %s, p99 %s", c.Operations, percentage(c.ErrorRate), milliseconds(c.P50), milliseconds(c.P99))
}

// requests is the server's side in a line.
func requests(c orchestrator.CountsReport) string {
	if c.Requests == 0 {
		return "0"
	}
	return fmt.Sprintf("%d, %s errors", c.Requests, percentage(c.ServerErrorRate))
}
