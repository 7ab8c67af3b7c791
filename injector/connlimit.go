package injector

import "sync"

// A connLimit bounds the connections of one layer and target that have a
// request in progress, or, at a listener, that are open.
type connLimit struct {
	limit int

	mu   sync.Mutex
	open map[string]int // requests in progress by connection
}

func newConnLimit(limit int) *connLimit { return &connLimit{limit: limit, open: map[string]int{}} }

// enter counts a request on a connection in, or refuses the connection.
func (c *connLimit) enter(conn string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[conn] == 0 && len(c.open) >= c.limit {
		return false
	}
	c.open[conn]++
	return true
}

func (c *connLimit) leave(conn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[conn]--; c.open[conn] <= 0 {
		delete(c.open, conn)
	}
}
