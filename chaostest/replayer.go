package chaostest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// replayHeader tells the chaos server which recorded request a driven one is.
// The upstream does not see it.
const replayHeader = "X-Mockforge-Replay"

// A replayer gives the requests of a run what was decided for those of a
// recording, and in an open loop sends them.
type replayer struct {
	h     *harness
	rec   *orchestrator.Recording
	drive bool // open loop
	ctx   context.Context
	work  sync.WaitGroup

	mu       sync.Mutex
	next     map[identity][]int // places in rec.Requests, in order
	told     map[identity]bool  // without an operation: there are some whose operation is known
	byNumber map[int64]int
	made     map[int64][]injector.Decision // by the recorded number
	beyond   int
	unknown  map[identity]int
	order    []identity                     // of unknown
	left     int                            // recorded, and not to be driven
	mute     int                            // recorded, and no requests of HTTP
	moments  map[injector.LayerRef][]moment // from a layer's start
}

// An identity is what tells recorded requests apart. Those of one identity
// count from the first.
type identity struct {
	layer                injector.LayerRef // the first that it met
	target, method, path string
	operation            string // of GraphQL
}

func (id identity) String() string {
	where := "outside of the steps"
	if id.layer.Name != "" {
		where = "in step " + id.layer.Name
	}
	what := id.path
	if id.operation != "" {
		what += " (" + id.operation + ")"
	}
	return fmt.Sprintf("%s %s of target %s %s", id.method, what, id.target, where)
}

// A moment is something that happens in the replay because it happened in the
// recording.
type moment struct {
	offset time.Duration // since the layer's start
	do     func(s *orchestrator.ActiveStep)
}

func newReplayer(ctx context.Context, h *harness) *replayer {
	p := &replayer{
		h: h, rec: h.set.replay, ctx: ctx, drive: h.set.mode == replayOpenLoop,
		next: map[identity][]int{}, told: map[identity]bool{}, byNumber: map[int64]int{}, made: map[int64][]injector.Decision{}, unknown: map[identity]int{},
		moments: map[injector.LayerRef][]moment{},
	}
	for i := range p.rec.Requests {
		q := &p.rec.Requests[i]
		p.byNumber[q.N] = i
		if !p.drive {
			id := identity{target: q.Target, method: q.Method, path: q.Path}
			if len(q.Layers) > 0 {
				id.layer = q.Layers[0]
			}
			if q.Operation != "" {
				p.told[id] = true
				id.operation = q.Operation
			}
			p.next[id] = append(p.next[id], i)
		}
	}
	p.compose()
	return p
}

// pin finds what was decided for a request. Its operation counts where the
// recording says which ones such requests asked for.
func (p *replayer) pin(r *http.Request, target, operation string, layers []injector.LayerRef) *injector.Pin {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, err := strconv.ParseInt(r.Header.Get(replayHeader), 10, 64); err == nil {
		r.Header.Del(replayHeader)
		if i, ok := p.byNumber[n]; ok {
			return p.pinOf(i)
		}
	}
	id := identity{target: target, method: r.Method, path: r.URL.Path}
	if len(layers) > 0 {
		id.layer = layers[0]
	}
	if p.told[id] {
		id.operation = operation
	}
	if places := p.next[id]; len(places) > 0 {
		p.next[id] = places[1:]
		return p.pinOf(places[0])
	}
	p.beyond++
	if p.unknown[id]++; p.unknown[id] == 1 {
		p.order = append(p.order, id)
	}
	return nil
}

// pinOf is the pin of one recorded request. p.mu is held.
func (p *replayer) pinOf(i int) *injector.Pin {
	q := &p.rec.Requests[i]
	pin := &injector.Pin{Layers: q.Layers, Missed: q.Missed, Decisions: q.Decisions, Waited: q.At - q.Arrived}
	if o := q.Outcome; o != nil {
		pin.Reset = o.Fault == injector.KindPacketLoss && o.Failed
	}
	pin.Used = func(r *injector.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.made[q.N] = slices.Clone(r.Decisions)
	}
	return pin
}

// compose lays out what happens when.
func (p *replayer) compose() {
	for i := range p.rec.Transitions {
		if c := &p.rec.Transitions[i]; c.Component != "client" {
			p.add(c.At, []injector.LayerRef{c.LayerRef}, false, func(*orchestrator.ActiveStep) { p.tell(c) })
		}
	}
	for i := range p.rec.Requests {
		q := &p.rec.Requests[i]
		if !sent(q) {
			p.mute++
			continue
		}
		if p.drive && !p.add(q.Arrived, q.Layers, len(q.Layers) > 0, func(s *orchestrator.ActiveStep) { p.send(q, s) }) {
			p.left++
		}
	}
}

// sent reports whether what was recorded is a request of HTTP, that can be sent
// again: of connections and of messages on them the bytes are not known.
func sent(q *orchestrator.RecordedRequest) bool {
	return q.Method != "" && q.Protocol != injector.ProtocolTCP
}

// play starts what happens from the step's start on. It returns at once, but
// for a step that lasts as long as its body: then, as in the recording.
func (p *replayer) play(s *orchestrator.ActiveStep) {
	ref := injector.LayerRef{Name: s.Spec.Name, Iteration: s.Iteration}
	list := p.moments[ref]
	slices.SortStableFunc(list, func(a, b moment) int { return cmp.Compare(a.offset, b.offset) })
	p.work.Go(func() {
		for _, m := range list {
			if !sleep(p.ctx, time.Until(s.Start().Add(m.offset))) {
				return
			}
			p.work.Go(func() { m.do(s) })
		}
	})
	if s.Duration() > 0 || !p.drive {
		return
	}
	for _, l := range p.rec.Layers {
		if l.LayerRef == ref {
			was, _ := p.lengths(l)
			sleep(s.Context(), was)
		}
	}
}

// sleep reports false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// tell tells the run of a change of state of the chaos server's.
func (p *replayer) tell(c *orchestrator.RecordedTransition) {
	p.h.env.run.Observer().Transition(&injector.Transition{
		At: time.Now(), Layer: c.LayerRef, Target: c.Target, Component: c.Component, From: c.From, To: c.To, Reason: c.Reason,
	})
}

// leastStay is how long a client stays that had left when its request arrived:
// until it is admitted in virtual time too, where a dial and a turn take some
// microseconds.
const leastStay = time.Millisecond

// send sends a recorded request. What comes back is the step's to judge.
func (p *replayer) send(q *orchestrator.RecordedRequest, s *orchestrator.ActiveStep) {
	ctx := p.ctx
	if o := q.Outcome; o != nil && o.Canceled {
		left, cancel := context.WithTimeout(ctx, max(o.At-q.Arrived, leastStay))
		defer cancel()
		ctx = left
	}
	what := newReplayBody(q)
	var body io.Reader
	if what.data != nil {
		body = bytes.NewReader(what.data)
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, p.h.env.Target(q.Target).URL+(&url.URL{Path: q.Path}).EscapedPath(), body)
	if err != nil {
		p.h.outer(fmt.Sprintf("recorded request %d cannot be sent: %v", q.N, err))
		return
	}
	r.URL.RawQuery = what.query
	if what.kind != "" {
		r.Header.Set("Content-Type", what.kind)
	}
	if q.Host != "" {
		r.Host = q.Host
	}
	if q.RequestID != "" {
		r.Header.Set("X-Request-Id", q.RequestID)
	}
	r.Header.Set(replayHeader, strconv.FormatInt(q.N, 10))
	resp, err := p.h.env.run.Recording(p.h.env.transport, s).RoundTrip(r)
	if err != nil {
		return // it was recorded so, or the run is over
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // what it ends with is a fault's affair
}

// end waits for what was started.
func (p *replayer) end() { p.work.Wait() }
