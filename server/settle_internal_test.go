package server

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// slowLogs take their time to close.
type slowLogs struct{ closing, closed chan struct{} }

func (l slowLogs) open() (*orchestrator.EventLog, func() error, error) {
	return nil, func() error {
		l.closing <- struct{}{}
		<-l.closed
		return nil
	}, nil
}

func (slowLogs) close() error { return nil }

// A run that is over, and not yet put away, is in nobody's way, and what was
// set before it is back.
func TestStartAfterAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, startAfterAnEnd)
}

func startAfterAnEnd(t *testing.T) {
	s, err := New(Options{
		Chaos: true, Logger: slog.New(slog.DiscardHandler),
		Config: injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 1}},
	})
	require.NoError(t, err)
	logs := slowLogs{make(chan struct{}, 2), make(chan struct{})}
	s.control.eventLog = logs
	o := &orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{{Name: "a", Duration: time.Millisecond}}}
	standing := func() bool {
		_, _, ok := s.control.injector.BulkheadState(orchestrator.DefaultTarget)
		return ok
	}
	require.True(t, standing())
	first, err := s.control.startRun(o, nil)
	require.NoError(t, err)
	require.True(t, s.control.status().IsRunning)
	require.False(t, standing())
	<-logs.closing
	require.False(t, s.control.status().IsRunning)
	require.True(t, standing())
	report, err := s.control.find(first.id)
	require.NoError(t, err)
	require.Equal(t, orchestrator.RunCompleted, report.State)

	second := make(chan error, 1)
	go func() {
		_, err := s.control.startRun(o, nil)
		second <- err
	}()
	synctest.Wait()
	select {
	case err := <-second:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	close(logs.closed)
	require.NoError(t, <-second)
	require.NoError(t, s.Close())
}
