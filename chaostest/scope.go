package chaostest

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// tb is embedded so that a scope is a testing.TB. Every method that logs,
// fails, skips, names or cleans up is overridden.
type tb = testing.TB

// A scope is the testing.TB behind an Env or a Step. Its output goes to a sink
// and its lines name the user's. It is safe for concurrent use.
type scope struct {
	tb    // the outer test: for what belongs to the process, such as TempDir
	name  string
	ctx   context.Context
	known *helpers
	exit  func()           // what FailNow and SkipNow end, besides the goroutine
	onErr func(why string) // told of each failure

	mu       sync.Mutex
	sink     sink
	failed   bool
	skipped  bool
	cleanups []func()
}

// A sink is where a scope's words and verdict go: a test, nothing, or a
// buffer that is reported later.
type sink interface {
	io.Writer
	Fail()
}

// testSink is a *testing.T.
type testSink struct{ t *testing.T }

func (s testSink) Write(p []byte) (int, error) { return s.t.Output().Write(p) }
func (s testSink) Fail()                       { s.t.Fail() }

// muted swallows everything: the step was not selected by -run.
type muted struct{}

func (muted) Write(p []byte) (int, error) { return len(p), nil }
func (muted) Fail()                       {}

// print writes a message under the user's line, as testing does.
func (s *scope) print(at, message string) {
	message = strings.TrimRight(message, "\n")
	text := at + ": " + strings.ReplaceAll(message, "\n", "\n    ") + "\n"
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.sink, text)
}

// raw writes lines as they are.
func (s *scope) raw(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.sink, text)
}

// fail marks the scope failed for a reason.
func (s *scope) fail(why string) {
	s.mu.Lock()
	s.failed = true
	s.sink.Fail()
	s.mu.Unlock()
	if s.onErr != nil {
		s.onErr(why)
	}
}

// report is an error that names a place.
func (s *scope) report(at, message string) {
	s.print(at, message)
	s.fail(message)
}

// redirect sends what is still to come to another sink: the step's own test is
// over.
func (s *scope) redirect(to sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink = to
}

// Cleanup runs f in virtual time: a step's when the step is over, an Env's
// after the last step. The last one added runs first.
func (s *scope) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// nextCleanup takes the clean-up that is to run next; nil: there is none left.
// One that runs may add others.
func (s *scope) nextCleanup() (f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.cleanups); n > 0 {
		f, s.cleanups = s.cleanups[n-1], s.cleanups[:n-1]
	}
	return f
}

// Context ends when the step, or the run, does.
func (s *scope) Context() context.Context { return s.ctx }

// Name is the full name of the test: "TestCheckout/peak_chaos".
func (s *scope) Name() string { return s.name }

// Helper marks the calling function as one whose lines are not reported.
func (s *scope) Helper() { s.known.add() }

// Output writes to the test's output, without naming a line.
func (s *scope) Output() io.Writer { return scopeWriter{s} }

type scopeWriter struct{ s *scope }

func (w scopeWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.sink.Write(p)
}

// Log prints its arguments under the caller's line.
func (s *scope) Log(args ...any) { s.print(s.known.line(), fmt.Sprintln(args...)) }

// Logf is Log with a format.
func (s *scope) Logf(format string, args ...any) {
	s.print(s.known.line(), fmt.Sprintf(format, args...))
}

// Error is Log followed by Fail.
func (s *scope) Error(args ...any) { s.report(s.known.line(), fmt.Sprintln(args...)) }

// Errorf is Logf followed by Fail.
func (s *scope) Errorf(format string, args ...any) {
	s.report(s.known.line(), fmt.Sprintf(format, args...))
}

// Fail marks the test failed; it goes on.
func (s *scope) Fail() { s.fail("Fail was called at " + s.known.line()) }

// Failed reports whether the step, or the run's own part, failed so far.
func (s *scope) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// FailNow marks the step failed, ends it, and ends the calling goroutine, which
// may be any.
func (s *scope) FailNow() {
	s.fail("FailNow was called at " + s.known.line())
	s.leave()
}

// Fatal is Error followed by FailNow.
func (s *scope) Fatal(args ...any) {
	s.report(s.known.line(), fmt.Sprintln(args...))
	s.leave()
}

// Fatalf is Errorf followed by FailNow.
func (s *scope) Fatalf(format string, args ...any) {
	s.report(s.known.line(), fmt.Sprintf(format, args...))
	s.leave()
}

func (s *scope) leave() {
	s.exit()
	runtime.Goexit()
}

// Skip is Log followed by SkipNow.
func (s *scope) Skip(args ...any) {
	s.print(s.known.line(), fmt.Sprintln(args...))
	s.SkipNow()
}

// Skipf is Logf followed by SkipNow.
func (s *scope) Skipf(format string, args ...any) {
	s.print(s.known.line(), fmt.Sprintf(format, args...))
	s.SkipNow()
}

// SkipNow marks the step skipped, ends it, and ends the calling goroutine.
func (s *scope) SkipNow() {
	s.mu.Lock()
	s.skipped = true
	s.mu.Unlock()
	s.leave()
}

// Skipped reports whether the step was skipped.
func (s *scope) Skipped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skipped
}

// Attr records an attribute of the outer test.
func (s *scope) Attr(key, value string) { s.tb.Attr(key, value) }

// Setenv sets an environment variable until the outer test ends.
func (s *scope) Setenv(key, value string) { s.tb.Setenv(key, value) }

// Chdir changes the working directory until the outer test ends.
func (s *scope) Chdir(dir string) { s.tb.Chdir(dir) }

// TempDir is a directory that is removed when the outer test ends.
func (s *scope) TempDir() string { return s.tb.TempDir() }

// ArtifactDir is where the outer test's artifacts go.
func (s *scope) ArtifactDir() string { return s.tb.ArtifactDir() }

// ascii reports whether output must do without block characters.
func ascii() bool { return os.Getenv("CHAOSTEST_ASCII") == "1" }
