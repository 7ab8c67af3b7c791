package injector

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A passage is one request's way through the layers of its target.
type passage struct {
	engine     *engine
	target     *target
	request    *http.Request  // nil: a connection
	steps      func(*passage) // instead of the walk of a request
	ctx        context.Context
	conn       string // the connection, for connection limits; "": do not count
	perRequest bool   // count each request as a connection
	body       *replay

	n        int64
	slot     Slot   // nil without a Sequencer
	slots    []Slot // of the directions of a connection
	relay    *relay // of the connection; nil: it is none's
	pace     pace
	arrived  time.Time
	endpoint string    // once it was reported
	stamp    time.Time // of the last turn; zero: the clock was not read yet

	set   *layerSet
	at    int // how far it came: the layer
	stage stage
	drew  bool // the first layer's draw was made on the fast path
	drawn drawn
	wait  waiting // why the walk stopped; nil: it is over

	stays     []stay
	stays1    [1]stay // room for the usual case
	delay     time.Duration
	jitter    time.Duration // in delay
	held      tallies       // by bandwidth limits
	stalls    []stall       // on the way up
	downs     []stall
	end       ending
	decisions []Decision
	reported  bool
	finished  bool
	pin       *Pin              // what was decided for it before; nil: nothing
	misses    map[LayerRef]bool // layers whose matcher is known not to match; nil: ask it
	gone      bool              // recomputed: its client left while it waited
	slotless  bool              // it leaves with something else
	protocol  string            // see speaks
	operation string            // of GraphQL
	listened  bool              // protocol is known
	until     time.Time         // when the client of a call gives up; zero: it did not say
	expired   bool              // until came
	cut       *cut              // of a call that is to be broken off; nil: none
	asked     *Asked            // by its headers; nil: nothing
	heard     bool              // asked is known
	looked    bool              // for GraphQL
	graphql   *graphqlRequest   // nil: it is none, or nobody asks
	socket    *socket           // of which it is a message; nil: none
	length    int64             // of the message; -1: unknown
	timed     bool              // it asked what depends on the instant, and is no request
	remade    bool              // recomputed, and no request
	once      sync.Once         // of letGo

	// Made with the passage, so that a request that is only looked at costs
	// little.
	layers   []LayerRef
	layers1  [1]LayerRef
	told     Request
	toldDone Outcome
	out      writer
}

// stage is a part of a layer, in the order in which a request meets them.
type stage int

const (
	stageBreaker stage = iota
	stageBulkhead
	stageRate
	stageConns
	stageLoss
	stageFaults
)

// A stay is what a request holds in a layer, and what the layer does to it.
type stay struct {
	*binding
	generation uint64 // of the breaker that admitted it; 0: none
	inBulkhead bool   // it is in progress in the bulkhead
	conn       string // it is counted there
	faulty     bool   // it is counted among the requests with a fault
	drawn      drawn
	missed     bool // the layer's matcher does not match it
	ops        []operationDraw
	latency    time.Duration
	kind       string // what goes into X-Mockforge-Fault; "": nothing
}

// A stall holds up a stream that lost a packet.
type stall struct {
	*layer
	length time.Duration
	reset  bool
}

// An ending is a terminal fault: the upstream is not asked. The zero ending is
// none.
type ending struct {
	kind   string
	stay   int // which layer made it
	answer *answer
	abort  abort  // where there is no answer
	noise  uint64 // key of what is sent instead of one
}

// fails reports whether the ending is a 5xx or what is one in the request's
// protocol, or a connection or time-out fault.
func (p *passage) fails() bool {
	return p.end.kind != "" && (p.end.answer == nil || p.translated(p.end.answer).failed())
}

// abort is how a connection ends without an answer.
type abort int

const (
	abortReset abort = iota + 1
	abortClose
	abortRefuse // reset, or the dial itself where there is one
	abortChunk  // after a header and what is no chunk
	abortNoise  // after what is no HTTP
)

// abort is how the kind ends a connection; 0: it does not.
func (k ConnectionErrorKind) abort() abort {
	switch k {
	case TCPReset:
		return abortReset
	case TCPClose:
		return abortClose
	case MalformedChunk:
		return abortChunk
	case RandomData:
		return abortNoise
	}
	return 0
}

// now is the instant of the last turn. Without a Sequencer the clock is read
// when it is first needed.
func (p *passage) now() time.Time {
	if p.stamp.IsZero() {
		p.stamp = time.Now()
	}
	return p.stamp
}

// record notes a decision, for the observer.
func (p *passage) record(s *stay, d Decision) {
	if p.engine.observer != nil {
		d.Layer = s.ref
		p.decisions = append(p.decisions, d)
	}
}

// stop ends the walk with a terminal fault of the layer that the walk is in.
func (p *passage) stop(kind string, a *answer, how abort) {
	i := len(p.stays) - 1
	p.stays[i].kind = kind
	p.end = ending{kind: kind, stay: i, answer: p.asOperations(i, a), abort: how}
}

// refs are the layers that the request entered.
func (p *passage) refs() []LayerRef {
	if len(p.layers) != len(p.stays) {
		p.layers = p.layers1[:0]
		for i := range p.stays {
			p.layers = append(p.layers, p.stays[i].ref)
		}
	}
	return p.layers
}

// report tells the observer what was decided, once. asked says whether the
// upstream will be asked.
func (p *passage) report(asked bool) {
	if p.reported {
		return
	}
	p.reported = true
	if p.pin == nil {
		p.settle(asked)
	}
	if p.pin != nil && p.pin.Used != nil {
		p.pin.Used(p.observed())
	}
	p.tellDrawn()
	if p.engine.observer != nil {
		p.engine.observer.Request(p.observed())
	}
}

// observed is what the observer is told.
func (p *passage) observed() *Request {
	r := p.request
	out := &p.told
	*out = Request{
		N: p.n, At: p.arrived, Decided: p.stamp, Target: p.target.name, Layers: p.refs(), Decisions: p.decisions, Delay: p.delay,
		Jitter: p.jitter, Context: p.ctx,
	}
	for _, s := range p.stalls {
		out.Delay += s.length
	}
	for i := range p.stays {
		if p.stays[i].missed {
			out.Missed = append(out.Missed, p.stays[i].ref)
		}
	}
	if r != nil {
		if p.engine.journal != nil {
			out.Client, out.Conn, out.Length = clientAddr(r, p.engine.trustForwarded).String(), p.conn, r.ContentLength
		}
		out.Method, out.Host, out.Path, out.Endpoint, out.RequestID = methodOf(r), hostOf(r), r.URL.Path, endpoint(r), r.Header.Get("X-Request-Id")
		p.endpoint = out.Endpoint
		out.Operation = p.operation
		if p.engine.journal != nil || p.heard {
			out.Asked = p.asks()
		}
	}
	if p.graphql != nil {
		out.TopFields = p.graphql.topFields()
	}
	out.Protocol = p.speaks()
	if s := p.socket; s != nil {
		out.Path, out.Endpoint, out.RequestID, out.Length = s.path, s.endpoint, s.request, p.length
		out.Protocol, out.Operation = ProtocolWebSocket, p.operation
		p.endpoint = out.Endpoint
	}
	return out
}

// mark says in the response's headers which layers acted, and how.
func (p *passage) mark(h http.Header) {
	var latency time.Duration
	for i := range p.stays {
		s := &p.stays[i]
		if s.kind == "" || s.silent {
			continue
		}
		h[headerFault] = append(h[headerFault], s.kind)
		if steps, ok := h[headerStep]; ok {
			h[headerStep] = append(steps, s.step...)
		} else {
			h[headerStep] = s.step[:1:1]
		}
		latency += s.latency
	}
	if latency > 0 {
		ms := float64(latency) / float64(time.Millisecond)
		h[headerLatency] = []string{strconv.FormatFloat(ms, 'f', -1, 64)}
	}
}

func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}
