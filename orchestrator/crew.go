package orchestrator

import "sync"

// A crew runs calls on goroutines that it keeps: a fresh one would grow its
// stack anew for each call. It is safe for
// concurrent use.
type crew struct {
	all sync.WaitGroup

	mu     sync.Mutex
	idle   []chan func()
	closed bool
}

// start runs f. A call that ends its goroutine takes only that one along.
func (c *crew) start(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		c.idle[n-1] <- f
		c.idle = c.idle[:n-1]
		return
	}
	worker := make(chan func(), 1)
	worker <- f
	c.all.Go(func() {
		for f := range worker {
			f()
			if !c.rest(worker) {
				return
			}
		}
	})
}

// rest makes a worker idle, and reports whether it is to stay.
func (c *crew) rest(worker chan func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.idle = append(c.idle, worker)
	}
	return !c.closed
}

// wait returns when every call has. No call may be started after it.
func (c *crew) wait() {
	c.mu.Lock()
	c.closed = true
	for _, worker := range c.idle {
		close(worker)
	}
	c.mu.Unlock()
	c.all.Wait()
}
