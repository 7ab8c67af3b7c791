package chaostest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// start starts an orchestration, whole, with a seed. No run of it is left on
// the server where start fails, as far as that can be known.
func (s *remoteServer) start(ctx context.Context, o *orchestrator.Orchestration) error {
	var document, compact bytes.Buffer // the server reads a document up to a size
	if err := orchestrator.Encode(&document, o, orchestrator.JSON); err != nil {
		return fmt.Errorf("for chaostest.Remote the orchestration must be a document: %w", err)
	}
	if err := json.Compact(&compact, document.Bytes()); err != nil {
		return err
	}
	before, err := s.last(ctx)
	if err != nil {
		return err
	}
	var started struct{ ID string }
	err = s.call(ctx, http.MethodPost, "/orchestration/start", compact.Bytes(), &started)
	if err == nil {
		s.run = started.ID
		return nil
	}
	refused, unsent := (*refusedError)(nil), (*net.OpError)(nil)
	if errors.As(err, &refused) || errors.As(err, &unsent) && unsent.Op == "dial" {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	return fmt.Errorf("%w; %s", err, s.abandon(ctx, o, before.ID))
}

// last is the server's last run, in progress or not; zero before the first.
func (s *remoteServer) last(ctx context.Context) (report orchestrator.Report, err error) {
	err = s.call(ctx, http.MethodGet, "/orchestration/status", nil, &report)
	return report, err
}

// abandon stops the run of a start whose answer did not come: one of that name
// and seed, after the run before. The server may still be about to start it. It
// says what became of it.
func (s *remoteServer) abandon(ctx context.Context, o *orchestrator.Orchestration, before string) string {
	for {
		run, err := s.last(ctx)
		if err == nil && run.ID != before && run.Name == o.Name && run.Seed == orchestrator.FormatSeed(*o.Seed) {
			if run.State.Ended() {
				return fmt.Sprintf("its run %s is over", run.ID)
			}
			s.run = run.ID
			if err := s.Stop(ctx); err != nil {
				return fmt.Sprintf("its run %s goes on there, since it cannot be stopped: %v", run.ID, err)
			}
			return fmt.Sprintf("its run %s was stopped", run.ID)
		}
		select {
		case <-time.After(s.patience / 50):
		case <-ctx.Done():
			return "no run of it was seen there since; should one start, end it with mockforge orchestrate stop"
		}
	}
}

// A refusedError is a call that the server has something against.
type refusedError struct{ message string }

func (e *refusedError) Error() string { return e.message }
