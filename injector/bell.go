package injector

import "sync"

// A bell rings once, until it is renewed, for everybody who listens then. Listeners bring channels
// of their own: a channel that was made with the layer, outside of virtual
// time, would stop the clock of a request that waits for it inside.
type bell struct {
	mu        sync.Mutex
	rung      bool
	listeners map[chan struct{}]struct{}
}

// listen adds a channel with room for one signal. It reports false where the
// bell has rung already.
func (b *bell) listen(c chan struct{}) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung {
		return false
	}
	if b.listeners == nil {
		b.listeners = map[chan struct{}]struct{}{}
	}
	b.listeners[c] = struct{}{}
	return true
}

func (b *bell) forget(c chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.listeners, c)
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung = true
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default: // another bell was faster
		}
	}
	b.listeners = nil
}

// renew makes a bell that has rung one that has not.
func (b *bell) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung = false
}

// listenAll listens to several bells, of which nil ones never ring. It returns
// how to stop, and false where one of them has rung.
func listenAll(bells ...*bell) (heard <-chan struct{}, stop func(), quiet bool) {
	c := make(chan struct{}, 1)
	stop = func() {
		for _, b := range bells {
			if b != nil {
				b.forget(c)
			}
		}
	}
	for _, b := range bells {
		if b != nil && !b.listen(c) {
			stop()
			return nil, nil, false
		}
	}
	return c, stop, true
}
