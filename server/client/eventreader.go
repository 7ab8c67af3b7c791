package client

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// What an event may hold at most, in bytes.
const maxEvent = 8 << 20

// An eventReader takes a text/event-stream apart.
type eventReader struct {
	lines *bufio.Scanner
	heard func() // called for each line, keep-alives included
}

func newEventReader(r io.Reader, heard func()) *eventReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	return &eventReader{lines, heard}
}

// next returns the next event with data; io.EOF at the end of the stream. What
// the end cut short is no event.
func (r *eventReader) next() (kind string, data []byte, err error) {
	kind = "message"
	for r.lines.Scan() {
		r.heard()
		line := r.lines.Bytes()
		if len(line) == 0 {
			if data != nil {
				return kind, data[:len(data)-1], nil
			}
			kind = "message"
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			if len(data)+len(value) > maxEvent {
				return "", nil, fmt.Errorf("an event is larger than %d bytes", maxEvent)
			}
			data = append(append(data, value...), '\n')
		}
	}
	switch err := r.lines.Err(); err {
	case nil:
		return "", nil, io.EOF
	case bufio.ErrTooLong:
		return "", nil, fmt.Errorf("an event is larger than %d bytes", maxEvent)
	default:
		return "", nil, err
	}
}
