package chaostest

import "time"

// drain lets virtual time pass until only the harness is left: what still
// sleeps, such as a handler whose client has gone, then ends. It returns what
// does not end, in a day of virtual time or the budget of real time.
func (b *bubble) drainAll() []stack {
	close(b.drain)
	id, name := self()
	var slept time.Duration
	for _, part := range []struct{ until, pause time.Duration }{
		{0, 0}, {time.Second, time.Second}, {time.Minute, time.Minute}, {time.Hour, time.Minute}, {24 * time.Hour, 10 * time.Minute},
	} {
		for slept < part.until && !b.tired.Load() {
			time.Sleep(part.pause)
			b.alive.Add(1)
			slept += part.pause
		}
		time.Sleep(1) // everything that can end at this instant has
		left := others(id, name)
		if len(left) == 0 || b.tired.Load() {
			return left
		}
	}
	return others(id, name)
}

// others lists the bubble's goroutines but the caller, and synctest's own.
func others(id, bubble string) []stack {
	var out []stack
	for _, s := range allStacks() {
		if s.id == id || bubbleOf(s.state) != bubble || s.synctest() {
			continue
		}
		out = append(out, s)
	}
	return out
}
