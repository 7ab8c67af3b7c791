package chaostest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
)

// A stack is one goroutine of a traceback.
type stack struct {
	id    string
	state string // "chan receive (durable), synctest bubble 1"
	body  string // frames, two lines each
}

var header = regexp.MustCompile(`^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\]]*)\]:`)

// allStacks reads the stacks of all goroutines of the process.
func allStacks() []stack {
	buf := make([]byte, 256<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= 64<<20 {
			return parseStacks(buf[:n])
		}
		buf = make([]byte, 4*len(buf))
	}
}

func parseStacks(text []byte) []stack {
	var out []stack
	for part := range bytes.SplitSeq(text, []byte("\n\n")) {
		head, body, _ := strings.Cut(string(part), "\n")
		if m := header.FindStringSubmatch(head); m != nil {
			out = append(out, stack{id: m[1], state: m[2], body: body})
		}
	}
	return out
}

// self is the calling goroutine's id and, in virtual time, its bubble's name.
func self() (id, bubble string) {
	buf := make([]byte, 128)
	m := header.FindStringSubmatch(string(buf[:runtime.Stack(buf, false)]))
	if m == nil {
		return "", ""
	}
	return m[1], bubbleOf(m[2])
}

// bubbleOf is "synctest bubble 7" of a goroutine's state, or "".
func bubbleOf(state string) string {
	if i := strings.Index(state, "synctest bubble "); i >= 0 {
		name := state[i:]
		if j := strings.IndexByte(name, ','); j >= 0 {
			name = name[:j]
		}
		return name
	}
	return ""
}

// durable reports whether the goroutine waits in a way that lets virtual time
// pass.
func (s stack) durable() bool { return strings.Contains(s.state, "(durable)") }

// outside reports whether the goroutine waits for what is neither its bubble's
// nor its process's: the system, or the other end of a socket.
func (s stack) outside() bool {
	state, _, _ := strings.Cut(s.state, ",")
	return state == "syscall" || state == "IO wait"
}

// busy reports whether the goroutine goes on by itself: it runs or may, or the
// runtime works on its behalf, such as the garbage collector, which takes its
// time where the machine is slow.
func (s stack) busy() bool {
	state, _, _ := strings.Cut(s.state, ",")
	state = strings.TrimSuffix(state, " (scan)")
	switch state {
	case "running", "runnable", "preempted", "copystack", "stopping the world", "flushing proc caches":
		return true
	}
	return strings.HasPrefix(state, "GC ") || strings.HasPrefix(state, "garbage collection") || state == "wait for GC cycle"
}

// synctest reports whether the goroutine is one of package synctest's own.
func (s stack) synctest() bool {
	return strings.Contains(s.body, "internal/synctest.Run(") || strings.Contains(s.body, "testing/synctest.testingSynctestTest(")
}

// frame is one call of a stack.
type frame struct{ function, place string }

func (s stack) frames() []frame {
	var out []frame
	lines := strings.Split(s.body, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		fn := strings.TrimPrefix(lines[i], "created by ")
		if j := strings.LastIndexByte(fn, '('); j > 0 {
			fn = fn[:j]
		}
		if j := strings.Index(fn, " in goroutine"); j > 0 {
			fn = fn[:j]
		}
		place := strings.TrimSpace(lines[i+1])
		if j := strings.LastIndex(place, " +0x"); j > 0 {
			place = place[:j]
		}
		out = append(out, frame{fn, place})
	}
	return out
}

// users are the frames that are neither the runtime's, the standard library's
// nor this package's, innermost first.
func (s stack) users() []frame {
	var out []frame
	for _, f := range s.frames() {
		file, _, _ := strings.Cut(f.place, ".go:")
		if inside(f.function, file+".go") || standard(f) {
			continue
		}
		out = append(out, f)
	}
	return out
}

// standard reports whether a frame is of the standard library: its file lies
// where that of strings.Cut does. A build with -trimpath has no such place;
// then an import path without a dot in its first element decides.
func standard(f frame) bool {
	if root, ok := libraryRoot(); ok {
		return strings.HasPrefix(f.place, root)
	}
	first, _, _ := strings.Cut(f.function, "/")
	return !strings.Contains(first, ".") || first == f.function && !strings.HasPrefix(f.function, "main.")
}

// libraryRoot is the directory of the standard library's sources.
func libraryRoot() (string, bool) {
	cut := runtime.FuncForPC(reflect.ValueOf(strings.Cut).Pointer())
	file, _ := cut.FileLine(cut.Entry())
	root, ok := strings.CutSuffix(filepath.ToSlash(file), "strings/strings.go")
	return root, ok && root != ""
}

// ours reports whether the goroutine runs for the harness or the engine.
func (s stack) ours() bool {
	return strings.Contains(s.body, own) || strings.Contains(s.body, engine)
}

// String is the goroutine's state and up to three of its own calls.
func (s stack) String() string {
	state, _, _ := strings.Cut(s.state, ", synctest bubble")
	var b strings.Builder
	fmt.Fprintf(&b, "goroutine %s [%s]", s.id, state)
	frames := s.users()
	if len(frames) == 0 {
		frames = s.frames()
	}
	for i, f := range frames {
		if i == 3 {
			break
		}
		fmt.Fprintf(&b, "\n    %s at %s", filepath.Base(f.function), short(f.place))
	}
	return b.String()
}

// short keeps a file's name and line.
func short(place string) string { return filepath.Base(place) }
