package chaostest_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// at is so many seconds after the run's start.
func at(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// part writes some of a block's lines behind a prefix to a file.
func part(t *testing.T, path, prefix string, lines int) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	text := string(data)
	if lines > 0 {
		text = strings.Join(strings.SplitAfter(text, "\n")[:lines], "")
	}
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(out, []byte(prefix+text), 0o600))
	return out
}

// A turn is a phase of one iteration.
type turn struct {
	phase
	iteration int
}

func turnsOf(phases []phase, iterations int) []turn {
	length := phases[len(phases)-1].to
	var out []turn
	for i := range iterations {
		for _, p := range phases {
			p.from += float64(i) * length
			p.to += float64(i) * length
			out = append(out, turn{p, i + 1})
		}
	}
	return out
}

// bodies notes when each step's body could see its step begin and end.
type bodies struct {
	mu   sync.Mutex
	seen []stepTimes
}

type stepTimes struct {
	name       string
	iteration  int
	start, end time.Time
}

func (b *bodies) body(step *chaostest.Step) {
	start := time.Now()
	step.Clock().Advance(step.Clock().Remaining())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, stepTimes{step.Spec.Name, step.Iteration, start, time.Now()})
}

// check compares the log and the bodies with the expected timetable.
func (b *bodies) check(t *testing.T, run record, turns []turn) {
	t.Helper()
	require.Len(t, run.steps, len(turns))
	require.Len(t, b.seen, len(turns))
	for _, want := range turns {
		i := slices.IndexFunc(run.steps, func(e stepEvent) bool { return e.name == want.step && e.iteration == want.iteration })
		require.GreaterOrEqual(t, i, 0, "no step %s in iteration %d", want.step, want.iteration)
		e := run.steps[i]
		require.Equal(t, "passed", e.state)
		require.InDelta(t, at(want.from), e.start, float64(instant), "%s goes on", want.step)
		require.InDelta(t, at(want.to), e.end, float64(instant), "%s goes off", want.step)
		i = slices.IndexFunc(b.seen, func(s stepTimes) bool { return s.name == want.step && s.iteration == want.iteration })
		require.GreaterOrEqual(t, i, 0, "no body of step %s in iteration %d", want.step, want.iteration)
		require.InDelta(t, e.start, b.seen[i].start.Sub(run.start), float64(instant), "%s's body starts with it", want.step)
		require.InDelta(t, e.end, b.seen[i].end.Sub(run.start), float64(instant), "%s's body ends with it", want.step)
	}
}

// between is where sortOut puts what arrived while no step was in force.
const between = -1

// sortOut joins what the client saw with what the log says, by instant and by
// the turn that was in force.
func sortOut(t *testing.T, run record, turns []turn, probes []probe) map[int][]arrival {
	t.Helper()
	require.Len(t, run.requests, len(probes), "each request reached the chaos server once")
	all := make([]arrival, len(probes))
	for i, p := range probes {
		q := run.requests[p.id]
		require.NotNil(t, q, "request %s", p.id)
		all[i] = arrival{p, *q}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.requestEvent.at, b.requestEvent.at) })
	out := map[int][]arrival{}
	for _, a := range all {
		i := slices.IndexFunc(turns, func(p turn) bool { return at(p.from) <= a.at && a.at < at(p.to) })
		out[i] = append(out[i], a)
	}
	return out
}

// inspect checks what a step did to the requests that arrived in it.
func (s seen) inspect(t *testing.T, step string, e effect) {
	t.Helper()
	met := []string{}
	if step != "" {
		met = append(met, step)
	}
	if s.to > s.from {
		require.NotEmpty(t, s.arrivals, "nothing looked at step %s", step)
	}
	require.Equal(t, append([]string{}, e.kinds...), s.fired(), "the faults that fired in step %q", step)
	for _, a := range s.arrivals {
		require.Equal(t, met, a.steps, "at %s", a.at)
		s.consistent(t, a)
	}
	if e.check != nil {
		e.check(t, s)
	}
}
