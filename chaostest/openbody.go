package chaostest

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// openBodies knows which response bodies are open, and which line asked for
// each: a body that nobody closes keeps its connection, and the connection's
// own stack does not say whose it is. It is safe for concurrent use.
type openBodies struct {
	mu   sync.Mutex
	open map[*openBody]struct{}
}

// transport is next with the bodies of its responses kept an eye on.
func (o *openBodies) transport(next http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err != nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
		b := &openBody{ReadCloser: resp.Body, bodies: o}
		b.depth = runtime.Callers(2, b.callers[:])
		resp.Body = b
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.open == nil {
			o.open = map[*openBody]struct{}{}
		}
		o.open[b] = struct{}{}
		return resp, nil
	})
}

// lines are the user's lines that asked for what is open, sorted.
func (o *openBodies) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for b := range o.open {
		lines = append(lines, b.line())
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

type openBody struct {
	io.ReadCloser
	bodies  *openBodies
	callers [24]uintptr
	depth   int
}

func (b *openBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.done()
	}
	return n, err
}

func (b *openBody) Close() error {
	b.done()
	return b.ReadCloser.Close()
}

func (b *openBody) done() {
	b.bodies.mu.Lock()
	defer b.bodies.mu.Unlock()
	delete(b.bodies.open, b)
}

// line is the innermost line that is neither this package's nor the standard
// library's.
func (b *openBody) line() string {
	frames := runtime.CallersFrames(b.callers[:b.depth])
	for {
		f, more := frames.Next()
		if !inside(f.Function, f.File) && !standard(frame{f.Function, f.File}) {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "an unknown line"
		}
	}
}
