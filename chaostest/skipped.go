package chaostest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// skipped reports a step that does not run.
func (h *harness) skipped(step orchestrator.Step, iteration int, reason string) {
	h.subtest(h.parent(iteration), step.Name, func(t *testing.T) {
		if t == nil {
			if h.refused && !h.quiet {
				b := &buffer{name: h.name(step, iteration), skipped: true}
				fmt.Fprintf(b, "skipped: %s\n", reason)
				h.mu.Lock()
				h.later = append(h.later, deferred{b})
				h.mu.Unlock()
			}
			return
		}
		if because := h.unreachable(reason); because != "" {
			fmt.Fprintf(t.Output(), "%s: not reached: %s\n", h.at, because)
			t.Fail()
			return
		}
		fmt.Fprintf(t.Output(), "skipped: %s\n", reason)
		t.SkipNow()
	})
}

// unreachable says why a step that -run selected cannot run although nobody is
// seen to fail: a muted step has ended the run. It is empty for a step that is
// skipped when nothing is muted, too.
func (h *harness) unreachable(reason string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.muted, reason == "no step failed", reason == "the run was ended after an earlier step":
		return ""
	case h.blamed == "":
		return reason
	}
	return fmt.Sprintf("%s (run it with %s)", reason, replayLine(h.seed, h.dir, h.blamed))
}

// moved reports a step that starts late.
func (h *harness) moved(step orchestrator.Step, late time.Duration, because string) {
	if h.quiet {
		return
	}
	fmt.Fprintf(h.t.Output(), "%s: step %s starts %s late: it waited for what step %s had in progress after its end\n",
		h.at, step.Name, assert.FormatDuration(late.Round(time.Microsecond)), because)
}
