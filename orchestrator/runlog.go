package orchestrator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// LogFormat is the version of the event log's format.
const LogFormat = 1

const (
	// logLag is how long an event is held back so that events of an earlier
	// instant that become known later still go before it. A request that
	// queues is known when it leaves the queue, by default within 5 s.
	logLag = 6 * time.Second
	// logBatch is how many events are held back at least.
	logBatch = 8192
)

// An EventLog writes one JSON object a line in canonical order: by instant,
// then by kind, then by content. Two runs with equal logs were the same run;
// Digest is their identity. It is safe for concurrent use.
type EventLog struct {
	mu      sync.Mutex
	w       io.Writer
	sum     hash.Hash
	pending []logLine
	batch   int // of pending, where it is flushed
	arena   []byte
	events  int
	err     error
	closed  bool

	recording bool  // written at once, in the order in which it comes
	limit     int64 // bytes of a recording; 0: none
	size      int64
	full      bool
	done      func() error // of the writer, when the log ends; nil: nothing
}

type logLine struct {
	at   time.Duration
	rank uint8
	text []byte
}

// Kinds of events, in the order in which events of one instant are written.
const (
	logRequest uint8 = iota
	logDecision
	logTransition
	logOperation
	logStep
	logVerdict
	logRun
)

// NewEventLog writes to w, which may be nil: then only the digest is kept.
func NewEventLog(w io.Writer) *EventLog {
	return &EventLog{w: w, sum: sha256.New(), batch: logBatch}
}

// header starts the log. document is compact JSON, for a recording.
func (l *EventLog) header(name string, seed uint64, start time.Time, document []byte) {
	b := []byte(`{"type":"header","format":`)
	b = strconv.AppendInt(b, LogFormat, 10)
	b = appendString(append(b, `,"orchestration":`...), name)
	b = appendString(append(b, `,"seed":`...), FormatSeed(seed))
	b = appendString(append(b, `,"engine":`...), "mockforge-go/1")
	b = append(b, `,"start":"`...)
	b = start.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if l.recording {
		b = append(b, `,"clock":"real","document":`...)
		b = append(b, document...)
	}
	b = append(b, "}\n"...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(b)
}

// add takes one event. text is a JSON object's members after the instant and
// the type, without braces, each preceded by a comma.
func (l *EventLog) add(at time.Duration, rank uint8, kind string, members func([]byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if cap(l.arena)-len(l.arena) < 1024 {
		l.arena = make([]byte, 0, 64<<10)
	}
	b := l.arena[len(l.arena):]
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, int64(at), 10)
	b = append(b, `,"type":"`...)
	b = append(b, kind...)
	b = append(b, '"')
	b = members(b)
	b = append(b, "}\n"...)
	if l.recording {
		l.record(b, kind)
		return
	}
	if len(l.arena)+len(b) <= cap(l.arena) {
		l.arena = l.arena[:len(l.arena)+len(b)]
	}
	l.pending = append(l.pending, logLine{at, rank, b[:len(b):len(b)]})
	if len(l.pending) >= l.batch {
		l.flush(at - logLag)
		// Where most of it is too recent, the next flush must not follow at once.
		l.batch = max(logBatch, 2*len(l.pending))
	}
}

// flush writes what happened before the given instant.
func (l *EventLog) flush(before time.Duration) {
	slices.SortFunc(l.pending, func(a, b logLine) int {
		if a.at != b.at {
			return cmpInt(int64(a.at), int64(b.at))
		}
		if a.rank != b.rank {
			return int(a.rank) - int(b.rank)
		}
		return bytes.Compare(a.text, b.text)
	})
	n := 0
	for n < len(l.pending) && l.pending[n].at < before {
		l.emit(l.pending[n].text)
		l.events++
		n++
	}
	rest := copy(l.pending, l.pending[n:])
	clear(l.pending[rest:])
	l.pending = l.pending[:rest]
}

func (l *EventLog) emit(b []byte) {
	l.sum.Write(b)
	l.size += int64(len(b))
	if l.w != nil && l.err == nil {
		_, l.err = l.w.Write(b)
	}
}

// Close writes what is left. Later events are dropped. It returns the first
// error of the writer.
func (l *EventLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.flush(1<<63 - 1)
		l.closed = true
		if l.done != nil {
			if err := l.done(); l.err == nil {
				l.err = err
			}
		}
	}
	return l.err
}

// Digest is the SHA-256 of what was written, in hexadecimal. It is the
// identity of the run once the log is closed.
func (l *EventLog) Digest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return hex.EncodeToString(l.sum.Sum(nil))
}

// Events is how many events were written, the header not counted.
func (l *EventLog) Events() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

// FormatSeed writes a seed as CHAOSTEST_SEED and the event log show it.
func FormatSeed(seed uint64) string { return "0x" + strconv.FormatUint(seed, 16) }

func cmpInt(a, b int64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// appendString appends s as a JSON string. It keeps to ASCII escapes for what
// must be escaped, so that equal strings always give equal bytes.
func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendInt(b []byte, name string, v int64) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(b, v, 10)
}

func appendText(b []byte, name, v string) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendString(b, v)
}
