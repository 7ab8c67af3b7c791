package injector

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// A Recomputer makes the decisions of an injector again, from what its Journal
// was told and in that order: without a network, and without waiting. It is not
// safe for concurrent use.
type Recomputer struct {
	engine *engine
	off    map[LayerRef]func()
	inside map[int64]*passage // requests that have not left

	draws       int    // about connections and messages
	asked       []Drew // right before what is told of a connection or message
	missing     []Decision
	told        *Request // of the last arrival
	transitions []Transition
}

// NewRecomputer starts with no layer in force.
func NewRecomputer(seed uint64) *Recomputer {
	c := &Recomputer{off: map[LayerRef]func(){}, inside: map[int64]*passage{}}
	c.engine = New(WithSeed(seed), WithObserver(c)).engine
	return c
}

// Request implements Observer.
func (c *Recomputer) Request(r *Request) { c.told = r }

// Done implements Observer.
func (c *Recomputer) Done(*Outcome) {}

// Transition implements Observer.
func (c *Recomputer) Transition(t *Transition) { c.transitions = append(c.transitions, *t) }

// Transitions are the changes of state since the last call.
func (c *Recomputer) Transitions() []Transition {
	out := c.transitions
	c.transitions = nil
	return out
}

// On puts a layer in force, as Apply did at that instant.
func (c *Recomputer) On(at time.Time, l Layer) {
	made := c.engine.apply(l, at)
	c.off[LayerRef{Name: l.Name, Iteration: l.Iteration}] = func() { c.engine.remove(made) }
}

// Off takes a layer off. It returns an error where it was not on.
func (c *Recomputer) Off(ref LayerRef) error {
	off := c.off[ref]
	if off == nil {
		return fmt.Errorf("layer %s of iteration %d goes off, and was not on", ref.Name, ref.Iteration)
	}
	delete(c.off, ref)
	off()
	return nil
}

// Switch suspends or resumes everything.
func (c *Recomputer) Switch(on bool) {
	if on {
		c.engine.resume()
	} else {
		c.engine.suspend()
	}
}

// Arrive decides a request at an instant: one that comes then (its At is that
// instant), or one whose wait has ended. It returns what an observer would be
// told, or nil where the request waits.
//
// Of r, what decisions depend on is used: N, Target, Method, Host, Path,
// Client, Conn, Protocol, Operation, TopFields, Missed and Asked.
func (c *Recomputer) Arrive(at time.Time, r *Request) (*Request, error) {
	p := c.inside[r.N]
	switch {
	case p == nil:
		p = c.passage(r)
		c.inside[r.N] = p
	case p.reported:
		return nil, fmt.Errorf("request %d arrives twice", r.N)
	}
	// What is known by now: it may have waited before it met them.
	p.conn = r.Conn
	for _, ref := range r.Missed {
		p.misses[ref] = true
	}
	c.told, p.stamp = nil, at
	switch {
	case p.gone, p.end.kind != "":
		p.report(false)
	default:
		p.take(true)
		p.n = r.N
	}
	if c.told != nil {
		c.told.N = r.N
	}
	return c.told, nil
}

func (c *Recomputer) passage(r *Request) *passage {
	header := http.Header{}
	if r.RequestID != "" {
		header.Set("X-Request-Id", r.RequestID)
	}
	p := newPassage(context.Background(), c.engine, c.engine.target(r.Target), &http.Request{
		Method: r.Method, Host: r.Host, URL: &url.URL{Path: r.Path}, Header: header, RemoteAddr: r.Client, ContentLength: r.Length,
	})
	p.listened, p.protocol, p.operation = true, r.Protocol, r.Operation
	p.heard, p.asked, p.looked = true, r.Asked, true
	if r.Protocol == ProtocolGraphQL {
		p.graphql = recalled(r.Operation, r.TopFields)
	}
	p.misses = map[LayerRef]bool{}
	return p
}

// Resume ends a wait of a request. A request that goes on arrives then.
func (c *Recomputer) Resume(at time.Time, n int64, because Because) error {
	why, ok := because.woke()
	p := c.inside[n]
	switch {
	case !ok:
		return fmt.Errorf("request %d resumes because of %q, which is nothing that ends a wait", n, because)
	case p == nil || p.wait == nil || p.reported:
		return fmt.Errorf("request %d resumes, and does not wait", n)
	}
	p.stamp = at
	p.wait.over(p, why, at)
	p.gone = why == wokeLeft
	return nil
}

// Leave ends a request, as an observer was told of it.
func (c *Recomputer) Leave(at time.Time, o *Outcome) error {
	p := c.inside[o.N]
	if p == nil {
		return fmt.Errorf("request %d leaves, and never came", o.N)
	}
	delete(c.inside, o.N)
	p.leaveAll(outcome{status: o.Status, fault: o.Fault, failed: o.Failed, canceled: o.Canceled}, at)
	return nil
}

// Waiting are the numbers of the requests that wait, in order.
func (c *Recomputer) Waiting() []int64 {
	var out []int64
	for n, p := range c.inside {
		if !p.reported {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}
