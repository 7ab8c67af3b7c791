package chaostest

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

// A buffer collects what a step has to say, for a report after the run.
type buffer struct {
	name    string
	skipped bool

	mu     sync.Mutex
	text   bytes.Buffer
	failed bool
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) Fail() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = true
}

// deferred is a subtest whose report follows the run, because this Go version
// refuses subtests in virtual time.
type deferred struct{ *buffer }

// reportLater makes a subtest of each deferred report.
func (h *harness) reportLater() {
	h.mu.Lock()
	later := h.later
	h.mu.Unlock()
	for _, d := range later {
		h.t.Run(d.name, func(t *testing.T) {
			d.mu.Lock()
			defer d.mu.Unlock()
			_, _ = io.Copy(t.Output(), &d.text)
			if d.failed {
				t.Fail()
			} else if d.skipped {
				t.SkipNow()
			}
		})
	}
}
