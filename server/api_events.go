package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	statusPeriod = time.Second      // of status events while something runs
	keepAlive    = 15 * time.Second // of comments, so that proxies keep the stream open
	eventTime    = 10 * time.Second // to write one event
)

// getEvents streams what happens as server-sent events: first the status, then
// everything that changes, and the status every second while something runs.
func (c *control) getEvents(w http.ResponseWriter, r *http.Request) error {
	events, stop := c.events.listen()
	if events == nil {
		return refuse(http.StatusServiceUnavailable, "%d clients listen already, or the server is shutting down", maxListeners)
	}
	defer stop()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // of proxies that hold answers back
	if r.Method == http.MethodHead {
		return nil
	}
	stream := http.NewResponseController(w)
	send := func(text string) bool {
		_ = stream.SetWriteDeadline(time.Now().Add(eventTime)) // not every ResponseWriter has a connection
		_, err := fmt.Fprint(w, text)
		return err == nil && stream.Flush() == nil
	}
	status := func() bool {
		data, err := json.Marshal(c.status())
		return err == nil && send(fmt.Sprintf("event: status\ndata: %s\n\n", data))
	}
	if !status() {
		return nil
	}
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	quiet := time.Now()
	for {
		ok := true
		select {
		case <-r.Context().Done():
			return nil
		case e, open := <-events:
			if !open {
				return nil
			}
			ok = send(fmt.Sprintf("event: %s\ndata: %s\n\n", e.kind, e.data))
			quiet = time.Now()
		case <-tick.C:
			switch {
			case c.running():
				ok = status()
				quiet = time.Now()
			case time.Since(quiet) >= keepAlive:
				ok = send(": still here\n\n")
				quiet = time.Now()
			}
		}
		if !ok {
			return nil // the client has left
		}
	}
}

func (c *control) running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current != nil
}
