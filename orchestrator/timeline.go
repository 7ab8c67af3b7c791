package orchestrator

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// timelineLimit bounds each list of a timeline.
const timelineLimit = 50

// WriteTimeline writes for people what happened in a recording: its steps with
// their times, what reached them and what was injected, changes of state, and
// verdicts. It is at most a few hundred lines long. The text may change in any
// release.
func WriteTimeline(w io.Writer, rec *Recording) error {
	t := &timeline{Writer: bufio.NewWriter(w), rec: rec}
	t.head()
	t.steps()
	t.rest()
	return t.Flush()
}

type timeline struct {
	*bufio.Writer
	rec *Recording
}

func (t *timeline) line(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	// Names and reasons may hold anything; a terminal must not obey it.
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return '\uFFFD'
		}
		return c
	}, text)
	_, _ = t.WriteString(text + "\n") // Flush has the error
}

func (t *timeline) head() {
	r := t.rec
	end := "its end is missing"
	if r.Complete {
		end = string(r.State)
		if r.Reason != "" {
			end += ": " + r.Reason
		}
	}
	t.line("%s %s", r.Name, end)
	t.line("  start    %s, seed %s, %s", r.Start.Format(time.RFC3339), FormatSeed(r.Seed), r.Engine)
	t.line("  length   %s, %s, %s", short(r.Elapsed), plural(len(r.Requests), "request"), t.operations())
	if r.Torn {
		t.line("  torn     the last line was cut off and is left out")
	}
	if r.Truncated > 0 {
		t.line("  bound    requests after %s were not written: the log had reached its bound", short(r.Truncated))
	}
}

func (t *timeline) operations() string {
	if t.rec.Operations == 0 {
		return "no operations of its own"
	}
	return fmt.Sprintf("%s, %d failed", plural(t.rec.Operations, "operation"), t.rec.Failed)
}

// A share is what belongs to one layer.
type share struct {
	requests, failed int
	injected         map[string]int
}

// shares counts by layer, and what entered none.
func (t *timeline) shares() (map[injector.LayerRef]*share, *share) {
	out, none := map[injector.LayerRef]*share{}, &share{injected: map[string]int{}}
	of := func(ref injector.LayerRef) *share {
		if out[ref] == nil {
			out[ref] = &share{injected: map[string]int{}}
		}
		return out[ref]
	}
	for i := range t.rec.Requests {
		q := &t.rec.Requests[i]
		in := []*share{none}
		if len(q.Layers) > 0 {
			in = in[:0]
			for _, ref := range q.Layers {
				in = append(in, of(ref))
			}
		}
		for _, s := range in {
			s.requests++
			if q.Outcome != nil && q.Outcome.Failed {
				s.failed++
			}
		}
		for _, d := range q.Decisions {
			if q.injected(d) {
				of(d.Layer).injected[d.Kind]++
			}
		}
	}
	return out, none
}

func (t *timeline) steps() {
	shares, none := t.shares()
	for i, s := range t.rec.Steps {
		if i == timelineLimit {
			t.line("… and %d steps more", len(t.rec.Steps)-i)
			break
		}
		ref := injector.LayerRef{Name: s.Name, Iteration: s.Iteration}
		title := s.Name
		if t.rec.Steps[len(t.rec.Steps)-1].Iteration > 1 {
			title = fmt.Sprintf("%s (iteration %d)", s.Name, s.Iteration)
		}
		reason := ""
		if s.Reason != "" {
			reason = ": " + s.Reason
		}
		t.line("%8s – %-8s %s %s%s", short(s.Start), short(s.End), title, s.State, reason)
		if here := shares[ref]; here != nil {
			t.line("  requests   %d, %d failed", here.requests, here.failed)
			t.line("  injected   %s", here.kinds())
		}
		t.transitions(ref)
		t.verdicts(s.Name, s.Iteration)
		delete(shares, ref)
	}
	for _, ref := range slices.SortedFunc(maps.Keys(shares), func(a, b injector.LayerRef) int {
		return strings.Compare(a.Name, b.Name)*2 + cmpInt(int64(a.Iteration), int64(b.Iteration))
	}) {
		if len(t.rec.Steps) > timelineLimit {
			break // it is among those that were left out
		}
		t.line("%19s %s, whose end is missing", "", ref.Name)
		t.line("  requests   %d, %d failed", shares[ref].requests, shares[ref].failed)
		t.line("  injected   %s", shares[ref].kinds())
		t.transitions(ref)
	}
	if none.requests > 0 {
		t.line("%19s outside of the steps", "")
		t.line("  requests   %d, %d failed", none.requests, none.failed)
	}
}

func (s *share) kinds() string {
	var out []string
	for _, kind := range injector.Kinds() {
		if n := s.injected[kind]; n > 0 {
			out = append(out, fmt.Sprintf("%s × %d", kind, n))
		}
	}
	if out == nil {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

func (t *timeline) transitions(ref injector.LayerRef) {
	n := 0
	for _, c := range t.rec.Transitions {
		if c.LayerRef != ref || c.Component == "client" {
			continue
		}
		if n++; n <= timelineLimit/5 {
			t.line("  %-10s %s %s → %s: %s", short(c.At), c.Component+" "+c.Target, c.From, c.To, c.Reason)
		}
	}
	if n > timelineLimit/5 {
		t.line("  … and %d changes of state more", n-timelineLimit/5)
	}
}

func (t *timeline) verdicts(step string, iteration int) {
	for _, v := range t.rec.Verdicts {
		if v.Step == step && v.Iteration == iteration {
			t.line("  %-10s %s (got %s)", v.Status, v.Expectation, v.Got)
		}
	}
}

// rest is what belongs to no step.
func (t *timeline) rest() {
	n := 0
	for _, c := range t.rec.Transitions {
		if c.Component != "client" {
			continue
		}
		if n++; n == 1 {
			t.line("states of the code under test")
		}
		if n <= timelineLimit/5 {
			t.line("  %-10s %s → %s", short(c.At), c.Target, c.To)
		}
	}
	if n > timelineLimit/5 {
		t.line("  … and %d changes more", n-timelineLimit/5)
	}
	for i, v := range t.rec.Verdicts {
		if v.Step == "" {
			if i == 0 || t.rec.Verdicts[i-1].Step != "" {
				t.line("over the whole run")
			}
			t.line("  %-10s %s (got %s)", v.Status, v.Expectation, v.Got)
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short is an instant as people read it.
func short(d time.Duration) string { return assert.FormatDuration(d.Round(100 * time.Microsecond)) }
