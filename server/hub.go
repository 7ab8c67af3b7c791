package server

import (
	"encoding/json"
	"sync"
)

// A hub hands events to whoever listens. A listener that does not keep up
// loses events, not the server's time: the next status repeats what matters.
type hub struct {
	mu        sync.Mutex
	listeners map[chan event]struct{}
	closed    bool
}

// An event as it goes over the wire.
type event struct {
	kind string
	data []byte // JSON, one line
}

// maxListeners bounds what one client, or many, can make the server hold.
const maxListeners = 100

func newHub() *hub { return &hub{listeners: map[chan event]struct{}{}} }

// listen returns a channel of events, which is closed when the server ends, and
// how to stop listening. It is nil where too many listen already.
func (h *hub) listen() (events <-chan event, stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) >= maxListeners || h.closed {
		return nil, nil
	}
	c := make(chan event, 64)
	h.listeners[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, c)
	}
}

func (h *hub) publish(kind string, value any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) == 0 {
		return
	}
	data, err := json.Marshal(value)
	if err != nil {
		return // what is published are plain values
	}
	for c := range h.listeners {
		select {
		case c <- event{kind, data}:
		default:
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.listeners {
		close(c)
	}
	h.listeners = map[chan event]struct{}{}
}
