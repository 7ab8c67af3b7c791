package server

import (
	"log/slog"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A transitionLog logs changes of state of breakers and bulkheads. It is an
// injector.Observer.
type transitionLog struct{ log *slog.Logger }

// Request implements injector.Observer.
func (transitionLog) Request(*injector.Request) {}

// Done implements injector.Observer.
func (transitionLog) Done(*injector.Outcome) {}

// Transition implements injector.Observer. Under load a bulkhead changes with
// every other request.
func (l transitionLog) Transition(t *injector.Transition) {
	if t.Component == "bulkhead" {
		l.log.Debug("bulkhead", "target", t.Target, "step", t.Layer.Name, "from", t.From, "to", t.To, "reason", t.Reason)
		return
	}
	l.log.Info("circuit breaker", "target", t.Target, "step", t.Layer.Name, "from", t.From, "to", t.To, "reason", t.Reason)
}

// A sparing logger warns of what clients can bring about at any rate: at most
// once a second, and then says how often it kept silent. It is safe for
// concurrent use.
type sparing struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time
	left int
}

func (s *sparing) warn(message string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.last) < time.Second {
		s.left++
		return
	}
	if s.left > 0 {
		args = append(args, "left_out", s.left)
	}
	s.last, s.left = now, 0
	s.log.Warn(message, args...)
}
