package chaostest

import (
	"bufio"
	"os"
)

// spill is how much of an event log stays in memory.
const spill = 1 << 20

// A logFile holds the event log of a run: in memory while it is short, then in
// a temporary file, so that memory does not grow with the run.
type logFile struct {
	wanted bool   // the user named the file
	name   string // "" while it is in memory
	short  []byte
	file   *os.File
	buf    *bufio.Writer
	err    error
}

// newLogFile makes a log at path, or, where path is empty, one that is kept
// only if the run fails. With file it is a temporary file from the start.
func newLogFile(path string, file bool) *logFile {
	l := &logFile{wanted: path != ""}
	switch {
	case path != "":
		l.create(func() (*os.File, error) { return os.Create(path) })
	case file:
		l.create(temporary)
	}
	return l
}

func (l *logFile) create(open func() (*os.File, error)) {
	if l.file, l.err = open(); l.err == nil {
		l.name = l.file.Name()
		l.buf = bufio.NewWriterSize(l.file, 64<<10)
		_, l.err = l.buf.Write(l.short)
		l.short = nil
	}
}

func temporary() (*os.File, error) { return os.CreateTemp("", "chaostest-*.chaos.jsonl") }

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.buf != nil {
		return l.buf.Write(p)
	}
	l.short = append(l.short, p...)
	if len(l.short) > spill {
		l.create(temporary)
	}
	return len(p), l.err
}

// finish closes the log. It keeps it where it was asked for or keep is set,
// and returns its path; else it removes it.
func (l *logFile) finish(keep bool) (path string, err error) {
	if keep && l.file == nil && l.err == nil && len(l.short) > 0 {
		l.create(temporary)
	}
	if l.file == nil {
		return "", l.err
	}
	if err := l.buf.Flush(); l.err == nil {
		l.err = err
	}
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	if !l.wanted && !keep {
		l.remove()
		return "", l.err
	}
	return l.name, l.err
}

// remove deletes the log unless the user named it.
func (l *logFile) remove() {
	if l.name != "" && !l.wanted {
		_ = os.Remove(l.name) // a temporary file that stays behind harms nobody
	}
}
