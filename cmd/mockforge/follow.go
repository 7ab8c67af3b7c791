package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// errLeft is the end of following without the end of the run.
var errLeft = errors.New("left running")

// errAsked is the same where the run was asked to end.
var errAsked = errors.New("the run was asked to stop")

// follow shows a run to its end, prints its verdict and ends with its code.
func follow(c *cobra.Command, r *remote, api *client.Client, id string) error {
	ctx, out := c.Context(), c.OutOrStdout()
	var report orchestrator.Report
	var err error
	if isTerminal(c.InOrStdin()) && isTerminal(out) && os.Getenv("TERM") != "dumb" {
		report, err = followLive(ctx, api, id, c.InOrStdin(), out)
	} else {
		progress := plainProgress{w: out}
		report, err = api.Wait(ctx, id, progress.report)
		if err != nil && ctx.Err() != nil {
			err = errLeft
		}
	}
	switch {
	case errors.Is(err, errAsked), errors.Is(err, errLeft):
		fmt.Fprintf(c.ErrOrStderr(), "\n%s", departure(r, id, err))
		return &exitError{code: exitFailed}
	case report.ID != "" && notFound(err):
		return &exitError{exitFailed, fmt.Errorf("the server was restarted: the run is lost: %w", err)}
	case err != nil:
		return serverError(err)
	}
	fmt.Fprintln(out)
	if err := writeVerdict(out, report); err != nil {
		return err
	}
	return verdictError(report.State)
}

// notFound reports whether the server does not know what it was asked for.
func notFound(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}

// departure says to one who leaves what becomes of the run, and how to see it.
func departure(r *remote, id string, err error) string {
	if errors.Is(err, errAsked) {
		return fmt.Sprintf("No verdict: %s.\n  See its end: %s\n", err, r.command("orchestrate history --id "+oneLine(id)))
	}
	refused := ""
	if refusal := (*notStoppedError)(nil); errors.As(err, &refusal) {
		refused = oneLine(err.Error()) + "\n"
	}
	return fmt.Sprintf("%sNo verdict: the run goes on.\n  Follow it: %s\n  Stop it:   %s\n", refused, r.command("orchestrate watch"), r.command("orchestrate stop"))
}

// isTerminal reports whether somebody sits at the other end.
func isTerminal(stream any) bool {
	file, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(file.Fd())
}
