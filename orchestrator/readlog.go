package orchestrator

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxLogLine is the longest line that is read: the document of a header is the
// longest there can be.
const maxLogLine = 16 << 20

// ReadLog reads an event log and returns its last complete run, or where none
// is complete the last one. See ReadLogs.
func ReadLog(path string) (*Recording, error) {
	all, err := ReadLogs(path)
	if err != nil {
		return nil, err
	}
	return PickRecording(all, "")
}

// ReadLogs reads an event log with every run that it has, in order. A torn last
// line of a run, as a crash leaves it, is no error: see Recording.Torn. Any
// other line that is not an event is one, with its number, and so is a log in
// another format. Kinds of events that this version does not know are skipped.
func ReadLogs(path string) ([]*Recording, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read event log: %w", err)
	}
	defer file.Close()
	return readLogs(file, path)
}

// ParseLogs is ReadLogs for a log that is not a file.
func ParseLogs(r io.Reader) ([]*Recording, error) { return readLogs(r, "") }

func readLogs(in io.Reader, file string) ([]*Recording, error) {
	p := &logReader{file: file}
	b := bufio.NewReaderSize(in, 64<<10)
	for {
		text, err := readLine(b)
		switch {
		case err == io.EOF && len(text) == 0:
			if p.now == nil {
				return nil, p.fault("the log is empty")
			}
			if err := p.end(); err != nil {
				return nil, err
			}
			return p.all, nil
		case err != nil && err != io.EOF:
			p.line++
			return nil, p.fault("%v", err)
		}
		p.line++
		if err := p.read(text); err != nil {
			return nil, err
		}
	}
}

var errLongLine = fmt.Errorf("the line is longer than %d MiB", maxLogLine>>20)

// readLine reads a line of bounded length, without its end. The last line may
// come with io.EOF: one that lost only its end is as good as any.
func readLine(b *bufio.Reader) (text []byte, err error) {
	for {
		part, err := b.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case len(text) > maxLogLine:
			return nil, errLongLine
		case err == bufio.ErrBufferFull:
			continue
		case err != nil:
			return text, err
		}
		return text[:len(text)-1], nil
	}
}

// A logReader collects the runs of a log.
type logReader struct {
	file string
	line int
	all  []*Recording
	now  *Recording
	torn []byte // a line that was no event: it must be the last of its run
	at   int    // its number

	requests map[int64]int // of now, by number: place in Requests
}

func (p *logReader) fault(format string, args ...any) error {
	return p.faultAt(p.line, format, args...)
}

func (p *logReader) faultAt(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", cmp.Or(p.file, "event log"), max(line, 1), fmt.Sprintf(format, args...))
}

// read takes one line.
func (p *logReader) read(text []byte) error {
	var e logEvent
	bad := json.Unmarshal(text, &e)
	if bad == nil && e.Type == "" {
		bad = errors.New("it has no type")
	}
	if bad == nil && e.Type == "header" {
		return p.header(&e)
	}
	switch {
	case p.now == nil:
		return p.fault("this is not an event log: the first line must be a header, such as {\"type\":\"header\",\"format\":%d,…", LogFormat)
	case p.torn != nil:
		return p.tornInside()
	case bad != nil:
		p.torn, p.at = bytes.Clone(text), p.line
		return nil
	}
	e.line, e.raw = p.line, string(text)
	return p.event(&e)
}

func (p *logReader) tornInside() error {
	text := p.torn
	if len(text) > 60 {
		text = append(text[:60:60], "…"...)
	}
	return p.faultAt(p.at, "not an event: %q; only the last line of a run may be torn", text)
}

// header starts the next run.
func (p *logReader) header(e *logEvent) error {
	if e.Format != LogFormat {
		return p.fault("the log has format %d, and this version reads format %d: replay it with the version that wrote it, or record it anew", e.Format, LogFormat)
	}
	if p.now != nil {
		if err := p.end(); err != nil {
			return err
		}
	}
	r := &Recording{File: p.file, Line: p.line, Name: e.Orchestration, Engine: e.Engine, Real: e.Clock == "real", State: RunRunning, document: bytes.Clone(e.Document)}
	var err error
	if r.Seed, err = strconv.ParseUint(e.Seed, 0, 64); err != nil {
		return p.fault("the header's seed %q is not a number from 0 to 2^64-1", e.Seed)
	}
	var start string
	if err := json.Unmarshal(e.Start, &start); err != nil {
		return p.fault("the header has no start")
	}
	if r.Start, err = time.Parse(time.RFC3339Nano, start); err != nil {
		return p.fault("the header's start %q is not an instant", start)
	}
	if len(r.document) > 0 {
		if r.Orchestration, _, err = Parse(r.document, JSON); err != nil {
			return p.fault("the header's document: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	} else if r.Real {
		return p.fault("the header has no document")
	}
	p.now, p.requests = r, map[int64]int{}
	p.all = append(p.all, r)
	return nil
}

// end closes the present run.
func (p *logReader) end() error {
	r := p.now
	r.Torn, p.torn = p.torn != nil, nil
	// Only the last request can lack decisions: they are written together.
	for i := range r.Requests {
		q := &r.Requests[i]
		if q.awaited == 0 {
			continue
		}
		if r.Complete && r.Truncated == 0 || i < len(r.Requests)-1 {
			return p.fault("request %d of the run that starts in line %d lacks %d of its decisions", q.N, r.Line, q.awaited)
		}
		r.Requests, r.Torn = r.Requests[:i], true
		r.events = r.events[:r.eventOf(q.N)]
	}
	return nil
}

// eventOf is the place of a request's event.
func (r *Recording) eventOf(n int64) int {
	for i := len(r.events) - 1; i >= 0; i-- {
		if e := &r.events[i]; e.Type == "request" && e.N == n {
			return i
		}
	}
	return len(r.events)
}
