package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// followLive follows a run on a terminal.
func followLive(ctx context.Context, api *client.Client, id string, in io.Reader, out io.Writer, opts ...tea.ProgramOption) (orchestrator.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	view := newLiveView(func() (string, error) {
		asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		reply, err := api.Stop(asked)
		return reply.Message, err
	})
	// Signals end ctx; Ctrl-C is a key here.
	program := tea.NewProgram(view, append([]tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(),
	}, opts...)...)

	done := make(chan struct{})
	var report orchestrator.Report
	var err error
	go func() {
		defer close(done)
		report, err = api.Wait(ctx, id, func(r orchestrator.Report) { program.Send(r) })
		program.Send(waitEnded{})
	}()
	last, shown := program.Run()
	cancel()
	<-done
	ended, _ := last.(liveView)
	switch {
	case err == nil: // it ended
		return report, nil
	case shown != nil && !errors.Is(shown, tea.ErrProgramKilled):
		return report, fmt.Errorf("terminal: %w", shown)
	case err != nil && !errors.Is(err, context.Canceled):
		return report, err
	case ended.stopping != nil:
		return report, ended.stopping.left()
	}
	return report, errLeft // by a key, or by a signal
}

// waitEnded says that no report follows.
type waitEnded struct{}
