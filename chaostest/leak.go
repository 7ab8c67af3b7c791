package chaostest

import (
	"fmt"
	"slices"
	"strings"
)

// leaked reports goroutines that outlived the run.
func (h *harness) leaked(left []stack) {
	left = slices.DeleteFunc(left, func(s stack) bool { return h.left[s.id] || len(s.users()) == 0 && s.ours() })
	if len(left) == 0 {
		return
	}
	var b strings.Builder
	if h.bubble.tired.Load() {
		fmt.Fprintf(&b, "%s still running when the real time for draining was used up", plural(len(left), "goroutine"))
	} else {
		fmt.Fprintf(&b, "%s leaked: still there a day of virtual time after everything was closed", plural(len(left), "goroutine"))
	}
	const most = 5
	for i, s := range left {
		if i == most {
			fmt.Fprintf(&b, "\n    … and %d more", len(left)-most)
			break
		}
		b.WriteString("\n    " + strings.ReplaceAll(s.String(), "\n", "\n    "))
	}
	if open := append(h.env.net.Open(), h.env.behind.Open()...); len(open) > 0 {
		b.WriteString("\n    open connections: " + strings.Join(open, ", "))
	}
	for _, line := range h.env.bodies.lines() {
		b.WriteString("\n    response body not closed, of the request at " + line)
	}
	b.WriteString("\n    hint     stop it in env.Cleanup, and close every response body")
	h.outer(b.String())
}
