package orchestrator

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// NewRecording is an EventLog for a run in real time that can be replayed: it
// has the document, and everything that decisions depended on in the order in
// which it happened, each with the instant that was used. Events are written at
// once, one Write each. The chaos costs each request two passes through a lock
// more than without.
//
// Of requests it has method, host, path and X-Request-Id; the client's address
// where a rate limit is per IP, and the connection where connections are
// limited. Queries, bodies and other headers are never written: whether a
// request matcher matched is, and what override headers ask for. The document is written without the headers, queries
// and bodies of its load, and without the values of headers that it looks for.
func NewRecording(w io.Writer) *EventLog {
	return &EventLog{w: w, sum: sha256.New(), recording: true}
}

// room is how many bytes of a bounded recording are left to its end: what is
// written after the bound was reached.
const room = 64 << 10

// Limit bounds a recording to about n bytes. What does not fit is left out, but
// for the ends of steps, verdicts and the end of the run; a record "truncated"
// says where. Default (0): no bound. It must be called before the run starts.
func (l *EventLog) Limit(n int64) { l.limit = max(n, 2*room) }

// record writes an event of a recording. l.mu is held.
func (l *EventLog) record(b []byte, kind string) {
	if l.limit > 0 {
		final := kind == "step" || kind == "verdict" || kind == "run"
		switch left := l.limit - l.size - int64(len(b)); {
		case kind == "run":
		case l.full && !final, left < 0:
			return
		case !final && left < room:
			l.full = true
			b = append(b[:bytes.IndexByte(b, ',')], `,"type":"truncated"}`+"\n"...)
		}
	}
	l.emit(b)
	l.events++
}

// startRecording checks that what the log is to have can be had.
func (r *Run) startRecording() (err error) {
	if !r.log.recording {
		return nil
	}
	switch {
	case r.opts.Virtual, r.opts.Sequencer != nil:
		return errors.New("a recording is of a run in real time: on virtual time, use NewEventLog; the seed repeats the run")
	case r.opts.Injector != nil && !r.opts.Injector.Ordered():
		return errors.New("its recording could not be replayed: make the injector with injector.InOrder()")
	}
	if r.document, err = compact(redacted(r.o)); err != nil {
		return fmt.Errorf("it cannot be recorded: %w", err)
	}
	return nil
}

// compact is an orchestration as a document on one line.
func compact(o *Orchestration) ([]byte, error) {
	var pretty bytes.Buffer
	if err := Encode(&pretty, o, JSON); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err := json.Compact(&out, pretty.Bytes())
	return out.Bytes(), err
}

// needs are what a recording has of requests because the orchestration's layers
// tell them apart by it.
type needs struct{ client, conn bool }

func needsOf(o *Orchestration) (n needs) {
	for _, s := range o.Steps {
		c, _, err := o.ResolveScenario(s)
		if err != nil {
			continue
		}
		n.client = n.client || c.RateLimit != nil && c.RateLimit.PerIP
		n.conn = n.conn || c.TrafficShaping != nil && c.TrafficShaping.MaxConnections > 0
	}
	return n
}

// appendRecorded appends what only a recording has of a request.
func (n needs) appendRecorded(b []byte, q *injector.Request) []byte {
	b = appendText(b, "host", q.Host)
	if n.client {
		b = appendText(b, "client", q.Client)
	}
	if n.conn {
		b = appendText(b, "conn", q.Conn)
	}
	if q.Length != 0 {
		b = appendInt(b, "length", q.Length)
	}
	if len(q.Missed) > 0 {
		b = appendNames(b, "missed", q.Missed)
	}
	if q.Asked != nil {
		text, _ := json.Marshal(askedEvent(*q.Asked)) // numbers within bounds
		b = append(append(b, `,"asked":`...), text...)
	}
	return b
}

// appendNow appends the instant that a decision used, where it is not the
// event's: the schedule was advanced, and the injector's clock was not.
func (r *recorder) appendNow(b []byte, at time.Duration, now time.Time) []byte {
	if used := now.Sub(r.start); used != at {
		b = appendInt(b, "now", int64(used))
	}
	return b
}

// Layer implements injector.Journal.
func (r *recorder) Layer(c *injector.LayerChange) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	kind := "layer_off"
	if c.On {
		kind = "layer_on"
	}
	at := r.offset(r.schedule.at(c.At))
	r.log.add(at, logRequest, kind, func(b []byte) []byte { return r.appendNow(appendLayer(b, c.Layer), at, c.At) })
}

// Switch implements injector.Journal.
func (r *recorder) Switch(now time.Time, on bool) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	kind := "suspended"
	if on {
		kind = "resumed"
	}
	at := r.offset(r.schedule.at(now))
	r.log.add(at, logRequest, kind, func(b []byte) []byte { return r.appendNow(b, at, now) })
}

// Wait implements injector.Journal.
func (r *recorder) Wait(w *injector.Wait) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	at := r.offset(r.schedule.at(w.At))
	r.log.add(at, logRequest, "wait", func(b []byte) []byte {
		b = appendRequest(b, &w.Request, at, r.offset(r.schedule.at(w.Request.At)))
		return r.appendNow(r.needs.appendRecorded(b, &w.Request), at, w.At)
	})
}

// Resume implements injector.Journal.
func (r *recorder) Resume(q *injector.Resume) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	at := r.offset(r.schedule.at(q.At))
	r.log.add(at, logRequest, "resume", func(b []byte) []byte {
		return r.appendNow(appendText(appendInt(b, "n", q.N), "because", string(q.Because)), at, q.At)
	})
}

// Drew implements injector.Journal.
func (r *recorder) Drew(d *injector.Drew) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	at := r.offset(r.schedule.at(d.At))
	r.log.add(at, logRequest, "drew", func(b []byte) []byte {
		b = appendLayer(b, d.Layer)
		rules, _ := json.Marshal(d.Rules) // in the order of their names
		b = append(append(b, `,"rules":`...), rules...)
		if d.Quiet {
			b = append(b, `,"quiet":true`...)
		}
		return r.appendNow(b, at, d.At)
	})
}

// Connection implements injector.Journal. A layer is noted the first time.
func (r *recorder) Connection(layer injector.LayerRef) {
	if !r.on.Load() || !r.log.recording {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.foreign[layer] {
		return
	}
	if r.foreign == nil {
		r.foreign = map[injector.LayerRef]bool{}
	}
	r.foreign[layer] = true
	r.log.add(r.offset(r.schedule.now()), logRequest, "connection", func(b []byte) []byte { return appendLayer(b, layer) })
}
