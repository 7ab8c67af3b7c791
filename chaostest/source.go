package chaostest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// own is the prefix of this package's functions.
const own = "github.com/mockforge-go/mockforge/chaostest."

// engine is the prefix of the functions that call bodies and operations.
const engine = "github.com/mockforge-go/mockforge/orchestrator."

// inside reports whether a frame is of this package or the engine. The
// function's name does not tell where a caller has inlined an iterator of this
// package: it is then the caller's.
func inside(function, file string) bool {
	if strings.HasPrefix(function, own) || strings.HasPrefix(function, engine) {
		return true
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Dir(file) == filepath.Dir(here) && !strings.HasSuffix(file, "_test.go")
}

// helpers are the functions that called Helper: their lines are not named.
type helpers struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (h *helpers) add() {
	var pc [1]uintptr
	if runtime.Callers(3, pc[:]) == 0 { // Callers, add, Helper
		return
	}
	f, _ := runtime.CallersFrames(pc[:]).Next()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = map[string]struct{}{}
	}
	h.names[f.Function] = struct{}{}
}

func (h *helpers) has(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.names[name]
	return ok
}

// line is the user's line that called into this package: "checkout_test.go:27".
func (h *helpers) line() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	fallback := ""
	for {
		f, more := frames.Next()
		if f.File != "" && !inside(f.Function, f.File) {
			if strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "testing.") || strings.HasPrefix(f.Function, "sync.") {
				break
			}
			at := fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
			if !h.has(f.Function) {
				return at
			}
			if fallback == "" {
				fallback = at
			}
		}
		if !more {
			break
		}
	}
	if fallback != "" {
		return fallback
	}
	return creator()
}

// creator is the user's line that started the calling goroutine, for go
// step.Fatal(…), which has no other line of the user's.
func creator() string {
	buf := make([]byte, 64<<10)
	for _, s := range parseStacks(buf[:runtime.Stack(buf, false)]) {
		if users := s.users(); len(users) > 0 {
			return short(users[0].place)
		}
	}
	return "chaostest"
}

// packagePath is the directory of the test relative to its module, as go test
// takes it: "./examples/checkout".
func packagePath() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rel, err := filepath.Rel(root, dir)
			if err != nil || rel == "." {
				return "."
			}
			return "./" + filepath.ToSlash(rel)
		}
		if root == filepath.Dir(root) {
			return "."
		}
	}
}

// panicked is the user's line that panicked. It is called by a function that
// the deferred function which recovered called.
func (h *helpers) panicked() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime.") && !strings.HasPrefix(f.Function, own):
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}
