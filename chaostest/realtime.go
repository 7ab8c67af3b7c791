package chaostest

import (
	"fmt"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// RealTime runs the test in real time, over sockets on 127.0.0.1: for code that
// cannot live in virtual time, such as a child process under test or a driver
// in C. A step takes as long as it says unless its body moves the timetable on
// with Clock.Advance.
//
// Decisions come from the seed as always; the order of what happens at the same
// time does not. An expectation that a sample is too small to decide is
// inconclusive. Leaks are not looked for. Epoch, PatchDefaultTransport and
// CHAOSTEST_CHECK have no effect. Runs in real time may be parallel.
func RealTime() Option { return option(func(s *settings) { s.real = true }) }

// inRealTime runs the orchestration without a bubble.
func (h *harness) inRealTime() {
	for _, f := range h.set.prime {
		f()
	}
	h.main()
	h.finish()
	h.end.close()
}

// An ending is the moment after which nobody may write to the outer test: in
// real time, what a run leaves behind may still have something to say.
type ending struct {
	mu   sync.RWMutex
	over bool
}

func (e *ending) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
}

// A lastSink is a sink until the end.
type lastSink struct {
	sink
	end *ending
}

func (s lastSink) Write(p []byte) (int, error) {
	s.end.mu.RLock()
	defer s.end.mu.RUnlock()
	if s.end.over {
		return len(p), nil
	}
	return s.sink.Write(p)
}

func (s lastSink) Fail() {
	s.end.mu.RLock()
	defer s.end.mu.RUnlock()
	if !s.end.over {
		s.sink.Fail()
	}
}

// lasted says how long the run was, and what makes it the run that it was.
func (h *harness) lasted() string {
	elapsed := h.result.Elapsed.Round(time.Millisecond)
	seed := orchestrator.FormatSeed(h.seed)
	if !h.set.real {
		return fmt.Sprintf("%s of virtual time; seed %s, digest %.12s", assert.FormatDuration(elapsed), seed, h.result.Digest)
	}
	text := assert.FormatDuration(h.took.Round(time.Millisecond)) + " of real time"
	if h.remote != nil {
		text += " on the server at " + h.remote.base
	}
	if ahead := elapsed - h.took; ahead > time.Millisecond {
		text += fmt.Sprintf(" (%s of the timetable)", assert.FormatDuration(elapsed))
	}
	return text + "; seed " + seed
}
