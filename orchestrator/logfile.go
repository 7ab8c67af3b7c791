package orchestrator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// LogFileOptions bound what a LogFile takes on disk: MaxBytes × (Keep + 1).
type LogFileOptions struct {
	MaxBytes int64 // of one file, at least 256 KiB. Default (0): 64 MiB
	Keep     int   // older files that are kept, 1–100. Default (0): 3
}

// leastLogFile is the smallest bound of a LogFile.
const leastLogFile = 256 << 10

// logFlush is how long an event is in memory at most before it is in the file.
const logFlush = 100 * time.Millisecond

// A LogFile is a file to which one run after the other is recorded. A run never
// straddles files: before a run starts, a file that is more than half full is
// renamed to path.1 (and path.1 to path.2, and so on), and a run that outgrows
// its file is truncated there, see EventLog.Limit. What it writes is in the
// file after 100 ms at most, and when a run ends. It is safe for concurrent
// use.
type LogFile struct {
	path string
	opts LogFileOptions

	mu    sync.Mutex
	file  *os.File
	size  int64
	buf   []byte
	timer *time.Timer // runs while there is something in buf
	busy  bool        // a run is recorded
	err   error       // the first, of the present run
}

// OpenLogFile opens the file at path, which is made with mode 0600 if it is not
// there, for recordings to be appended.
func OpenLogFile(path string, opts LogFileOptions) (*LogFile, error) {
	if opts.MaxBytes != 0 && opts.MaxBytes < leastLogFile {
		return nil, fmt.Errorf("event log %s: a bound of %d bytes is too small: use %d or more", path, opts.MaxBytes, leastLogFile)
	}
	if opts.Keep < 0 || opts.Keep > 100 {
		return nil, fmt.Errorf("event log %s: %d older files cannot be kept: use 1 to 100", path, opts.Keep)
	}
	f := &LogFile{path: path, opts: LogFileOptions{MaxBytes: cmp.Or(opts.MaxBytes, 64<<20), Keep: cmp.Or(opts.Keep, 3)}}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return f, nil
}

// open opens the file. A line that a crash has torn is ended, so that the next
// run starts on one of its own.
func (f *LogFile) open() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	f.file = file
	if f.size, err = file.Seek(0, io.SeekEnd); err != nil || f.size == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, f.size-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = file.Write([]byte{'\n'})
		f.size++
	}
	return err
}

// Record returns the log for the next run, to be given to RunOptions.Log. The
// run ends it; a log that no run takes must be closed. Record returns an error while another run is recorded, and where the
// file cannot be renamed or opened.
func (f *LogFile) Record() (*EventLog, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.file == nil:
		return nil, fmt.Errorf("event log %s: it is closed", f.path)
	case f.busy:
		return nil, fmt.Errorf("event log %s: another run is being recorded: wait for its end, or open another file", f.path)
	}
	if err := f.rotate(); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	l := NewRecording(f)
	l.Limit(f.opts.MaxBytes - f.size)
	l.done = f.release
	f.busy, f.err = true, nil
	return l, nil
}

// rotate makes room for a run. f.mu is held.
func (f *LogFile) rotate() error {
	full := f.size > f.opts.MaxBytes/2
	if !full && f.err == nil {
		return nil
	}
	if err := f.file.Close(); err != nil && f.err == nil {
		return err
	}
	if !full {
		return f.open() // the last run could not be written: its end may be torn
	}
	for n := f.opts.Keep; n > 1; n-- {
		err := os.Rename(f.name(n-1), f.name(n))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(f.path, f.name(1)); err != nil {
		return err
	}
	return f.open()
}

// name is that of an older file, from 1.
func (f *LogFile) name(n int) string { return fmt.Sprintf("%s.%d", f.path, n) }

// Write implements io.Writer, for the log that Record returned.
func (f *LogFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	f.buf = append(f.buf, p...)
	switch {
	case len(f.buf) >= 64<<10:
		f.flush()
	case f.timer == nil:
		f.timer = time.AfterFunc(logFlush, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.flush()
		})
	}
	return len(p), f.err
}

// flush writes what is in memory. f.mu is held.
func (f *LogFile) flush() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if len(f.buf) == 0 || f.file == nil {
		return
	}
	n, err := f.file.Write(f.buf)
	f.size += int64(n)
	if err != nil && f.err == nil {
		f.err = err
	}
	f.buf = f.buf[:0]
}

// release is called when the run that is recorded has ended.
func (f *LogFile) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	f.busy = false
	return f.err
}

// Close writes what is left and closes the file. A run that is still recorded
// loses what it would have written. It returns the first error of the last run.
func (f *LogFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	f.flush()
	if err := f.file.Close(); f.err == nil {
		f.err = err
	}
	f.file = nil
	err := f.err
	if f.err == nil {
		f.err = os.ErrClosed
	}
	return err
}
