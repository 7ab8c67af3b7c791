package injector

import (
	"context"
	"fmt"
	"net"
	"time"
)

// call dials the upstream while layers act on the client: one that ends the
// connection does not wait for the dial, which ends too. Then upstream and err
// are nil.
func (r *relay) call(ctx context.Context, dial func(context.Context) (net.Conn, error)) (upstream net.Conn, err error) {
	if r.engine.sequencer != nil {
		return r.answered(dial(ctx)) // on virtual time it takes none
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	called := make(chan struct{})
	go func() {
		defer close(called)
		upstream, err = dial(ctx)
	}()
	how, kind := r.listen(called)
	if how == 0 {
		return r.answered(upstream, err)
	}
	cancel()
	r.hangUp(how, kind)
	<-called
	if err == nil {
		_ = upstream.Close() // nothing was said
	}
	return nil, nil
}

// answered is the end of a dial. Where it failed, the client is reset.
func (r *relay) answered(upstream net.Conn, err error) (net.Conn, error) {
	if err == nil {
		return upstream, nil
	}
	r.pace().sync()
	r.told(outcome{failed: true})
	reset(r.client.Conn)
	_ = r.client.Close() // it is gone either way
	return nil, fmt.Errorf("the upstream of %s cannot be reached: %w", r.target.name, err)
}

// listen waits for the end of the dial, or of the connection, and says how that
// is to end; 0: it goes on.
func (r *relay) listen(called <-chan struct{}) (how, string) {
	r.mu.Lock()
	r.calling = true
	r.mu.Unlock()
	for {
		r.strike(time.Now())
		r.mu.Lock()
		how, kind, next := r.how, r.kind, r.next(func(*alarm) bool { return true })
		r.mu.Unlock()
		if how != 0 {
			return how, kind
		}
		if r.idle(next, called) {
			return 0, ""
		}
	}
}

// idle waits for an alarm, or until something happens. It reports whether the
// dial has ended.
func (r *relay) idle(next *alarm, called <-chan struct{}) bool {
	var t timer
	var fired <-chan time.Time
	if next != nil {
		t = r.engine.timer(next.at)
		defer t.Stop()
		fired = t.C
	}
	select {
	case <-called:
		return true
	case <-fired:
		t.rest()
	case <-r.wake:
	}
	return false
}

// hangUp ends a connection that has no upstream yet.
func (r *relay) hangUp(how how, kind string) {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.told(outcome{fault: kind, failed: true})
	switch {
	case how == howReset:
		reset(r.client.Conn)
	case r.goodbye(r.client):
		lastWords(r.client.Conn) // it has spoken, maybe
	}
	_ = r.client.Close() // it is gone either way
}
