package chaostest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// compare runs the orchestration again until it ran as often as
// CHAOSTEST_CHECK says, and fails the test at the first run whose event log
// differs, with the event and its neighbours.
func (h *harness) compare(runs int) {
	if !h.t.Failed() {
		defer h.logs.remove()
	}
	if !h.ran {
		return
	}
	for n := 2; n <= runs; n++ {
		again := newHarness(h.t, h.o, h.body, h.set, h.seed, h.at, h.path)
		again.quiet = true
		again.logs = newLogFile("", true)
		failure, frozen := again.bubble.run(h.t, h.set.prime, again.main)
		_, err := again.logs.finish(true)
		switch {
		case err != nil:
			h.outer("CHAOSTEST_CHECK: the event log: " + err.Error())
		case failure != nil && !leakPanic(failure), len(frozen) > 0:
			h.outer(fmt.Sprintf("CHAOSTEST_CHECK: run %d of %d did not end: %v", n, runs, failure))
		case again.result.Digest != h.result.Digest:
			h.outer(fmt.Sprintf("CHAOSTEST_CHECK: run %d of %d differs from the first\n%s", n, runs, difference(h.logs.name, again.logs.name)))
		default:
			again.logs.remove()
			continue
		}
		again.logs.remove()
		return
	}
	_, _ = fmt.Fprintf(h.t.Output(), "CHAOSTEST_CHECK: %d runs, one digest %.12s\n", runs, h.result.Digest)
}

// difference shows the first line in which two event logs differ, with the
// lines before and after it.
func difference(first, second string) string {
	a, err := os.Open(first)
	if err != nil {
		return err.Error()
	}
	defer a.Close()
	b, err := os.Open(second)
	if err != nil {
		return err.Error()
	}
	defer b.Close()
	return firstDifference(a, b)
}

func firstDifference(first, second io.Reader) string {
	a, b := newLines(first), newLines(second)
	const before, after = 3, 2
	var shared []string
	for n := 1; ; n++ {
		x, moreX := a.next()
		y, moreY := b.next()
		if !moreX && !moreY {
			return "the logs are equal"
		}
		if x == y {
			if shared = append(shared, x); len(shared) > before {
				shared = shared[1:]
			}
			continue
		}
		var out strings.Builder
		fmt.Fprintf(&out, "event %d is the first that differs:", n)
		for _, line := range shared {
			out.WriteString("\n      " + line)
		}
		show := func(sign, line string, more bool, rest *lines) {
			if !more {
				line = "(the log ends)"
			}
			out.WriteString("\n    " + sign + " " + line)
			for range after {
				if line, ok := rest.next(); ok {
					out.WriteString("\n    " + sign + " " + line)
				}
			}
		}
		show("-", x, moreX, a)
		show("+", y, moreY, b)
		out.WriteString("\n    hint     something outside the run decides: math/rand/v2, a select with several ready cases, map order, or two timers of one instant in the code under test")
		return out.String()
	}
}

// lines reads a log line by line.
type lines struct{ s *bufio.Scanner }

func newLines(r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), 1<<20)
	return &lines{s}
}

func (l *lines) next() (string, bool) {
	if l.s.Scan() {
		return l.s.Text(), true
	}
	return "", false
}
