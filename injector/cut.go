package injector

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// cutAfter is how long after its last message a call is broken off where that
// message went up: the upstream gets it before its context is cancelled. On the
// client's side it counts from when the transport reads on: what it read before it
// has sent by then, however busy the machine is.
const cutAfter = time.Millisecond

// cutPatience is how long a message that is on its way may take once another one
// may not pass any more.
const cutPatience = 5 * time.Second

// errCut is what the upstream's handler gets from a call that was broken off.
var errCut = errors.New("injected: the call was broken off")

// A cut breaks off one call after a number of messages, in both directions
// together. The upstream's context is cancelled; what the client gets is the
// affair of whoever carries the response. It is safe for concurrent use: the
// two directions of a call have goroutines of their own.
type cut struct {
	passage *passage
	stay    int // the layer's
	rule    *grpcRule
	after   int
	ctx     context.Context // of the upstream; it ends with the cut
	cancel  context.CancelFunc
	sends   bool // who reads the request's body sends it on
	hit     bool // the client was told; for the goroutine of the response

	mu       sync.Mutex
	up, down frames
	begun    int         // messages
	ups      int         // of them, those that went up
	body     *cutBody    // that goes up
	leaving  bool        // its last message was read, and may not have been sent
	timer    *time.Timer // that strikes
	hasty    bool        // the timer waits for no message's end
	struck   bool
	over     bool
}

// planCut makes the cut of the passage's call, if one was drawn: of several layers
// that want to, the one with the fewest messages breaks it off.
func (p *passage) planCut() {
	for i := range p.stays {
		s := &p.stays[i]
		if s.drawn.hits&hitInterruption == 0 {
			continue
		}
		if n := s.layer.grpc.messages(s.drawn.call); p.cut == nil || n < p.cut.after {
			p.cut = &cut{passage: p, stay: i, rule: s.layer.grpc, after: n}
		}
	}
}

// request is the call's request as the upstream gets it: its messages are
// counted, and its context ends when the call is broken off.
func (c *cut) request(r *http.Request) *http.Request {
	c.ctx, c.cancel = context.WithCancel(r.Context())
	r = r.WithContext(c.ctx)
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	r.Body = c.wrap(r.Body)
	if again := r.GetBody; again != nil { // for a connection that was lost
		r.GetBody = func() (io.ReadCloser, error) {
			b, err := again()
			if err != nil {
				return nil, err
			}
			return c.wrap(b), nil
		}
	}
	return r
}

// wrap makes a body the one whose messages are counted, from its first on. Those
// of a body before it are sent again.
func (c *cut) wrap(b io.ReadCloser) *cutBody {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun -= c.ups
	c.ups, c.up, c.leaving = 0, frames{}, false
	c.body = &cutBody{ReadCloser: b, cut: c}
	return c.body
}

// sent notes that no more of a body goes up: nobody needs to wait for the rest of
// a message.
func (c *cut) sent(b *cutBody) {
	c.mu.Lock()
	last := b == c.body
	if last {
		c.up = frames{}
	}
	waits := last && c.timer != nil
	c.mu.Unlock()
	if waits {
		c.soon()
	}
}

// leaves notes that the last message was read from a body that goes on.
func (c *cut) leaves(b *cutBody) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = c.sends && b == c.body
}

// left notes that what was read from a body before has been sent.
func (c *cut) left(b *cutBody) {
	c.mu.Lock()
	was := c.leaving && b == c.body
	c.leaving = c.leaving && !was
	c.mu.Unlock()
	if was {
		c.soon()
	}
}

// pass counts the messages in b, which goes in the direction of f, and returns
// how much of it may pass. last says that nothing more passes then.
func (c *cut) pass(f *frames, b []byte) (n int, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(b) {
		if !f.inside() {
			if c.begun >= c.after || c.struck {
				return n, true
			}
			c.begun++
			if f == &c.up {
				c.ups++
			}
		}
		m, _, _ := f.next(b[n:])
		n += m
	}
	return n, c.begun >= c.after && !c.up.inside() && !c.down.inside()
}

// full reports whether no message may begin any more.
func (c *cut) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.struck || c.begun >= c.after
}

// complete reports whether the call has come to its last message, and that
// message is not still on its way up.
func (c *cut) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.struck || c.begun >= c.after && !c.up.inside()
}

// soon breaks the call off when the upstream has had time to get what was sent,
// and the client what is on its way.
func (c *cut) soon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits := c.up.inside() || c.down.inside() || c.leaving
	if c.struck || c.over || c.timer != nil && (waits || c.hasty) {
		return
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	after := cutPatience // the message's end breaks the call off before
	if !waits {
		after, c.hasty = cutAfter, true
	}
	c.timer = time.AfterFunc(after, c.strike)
}

// stop breaks the call off for who may send nothing more to the client: at once,
// or when the message that is on its way up has arrived.
func (c *cut) stop() {
	if c.rising() {
		c.soon()
		<-c.ctx.Done()
	}
	c.strike()
}

// rising reports whether a message is on its way up.
func (c *cut) rising() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up.inside()
}

// strike breaks the call off, unless it is over.
func (c *cut) strike() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.struck || c.over {
		return
	}
	c.struck = true
	c.cancel()
}

// happened reports whether the call was broken off.
func (c *cut) happened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.struck
}

// end ends the cut with its call.
func (c *cut) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.over = true
	c.cancel()
}

// answer is what the client gets; nil: its stream is reset.
func (c *cut) answer() *answer {
	if c.rule.reset {
		return nil
	}
	s := &c.passage.stays[c.stay]
	return c.passage.translated(newGRPCAnswer(c.rule.broken, "injected stream interruption"+inStep(s.ref.Name), ""))
}

// outcome is how the call ended. From here on the layer's mark says so.
func (c *cut) outcome() outcome {
	c.hit = true
	c.passage.stays[c.stay].kind = KindStreamInterruption
	if c.rule.reset {
		return outcome{fault: KindStreamInterruption, failed: true}
	}
	return outcome{status: http.StatusOK, fault: KindStreamInterruption, failed: grpcFailed(c.rule.broken)}
}

// trailer is the end of a response whose header was sent before: the status,
// and the layer's mark.
func (c *cut) trailer(a *answer, h http.Header, prefix string) {
	a.writeStatus(h, prefix)
	if s := &c.passage.stays[c.stay]; !s.silent {
		h[prefix+headerFault] = []string{KindStreamInterruption}
		h[prefix+headerStep] = slices.Clone(s.step)
	}
}

// spare takes back what was decided about the call and did not come to be,
// because the call ended before.
func (p *passage) spare() (spared []Decision) {
	for i := range p.stays {
		s := &p.stays[i]
		if s.drawn.hits&hitInterruption == 0 || p.cut != nil && p.cut.hit && p.cut.stay == i {
			continue
		}
		if p.pin == nil {
			s.layer.grpc.interruption.injected.Add(^uint64(0))
			s.layer.grpc.interruption.masked.Add(1)
		}
		if p.engine.observer != nil {
			spared = append(spared, s.layer.grpc.interrupts(s))
		}
	}
	return spared
}

// interrupts is the decision to break a call off.
func (r *grpcRule) interrupts(s *stay) Decision {
	d := Decision{Layer: s.ref, Kind: KindStreamInterruption, Ordinal: s.drawn.call}
	if !r.reset {
		d.Status = r.broken
	}
	return d
}

// settleCall decides whether a call that is to be broken off gets that far.
func (p *passage) settleCall(s *stay, asked bool) {
	if s.drawn.hits&hitInterruption == 0 {
		return
	}
	rule, d := s.layer.grpc.interruption, s.layer.grpc.interrupts(s)
	if !asked {
		s.drawn.hits &^= hitInterruption
		p.hide(s, rule, d)
		return
	}
	rule.injected.Add(1)
	p.record(s, d) // the response says so when it happens
}
