package chaostest

import "time"

// drain lets virtual time pass until only the harness is left: what still
// sleeps, such as a handler whose client has gone, then ends. It returns what
// does not end, in a day of virtual time or the budget of real time.
func (b *bubble) drainAll() []stack {
	close(b.drain)
	id, name := self()
	var slept time.Duration
	// What ticks fast makes a pause cost real time, about in proportion to its
	// length: pauses that double overrun the budget by no more than itself.
	pause := time.Millisecond
	for _, until := range []time.Duration{0, time.Second, time.Minute, time.Hour, 24 * time.Hour} {
		for slept < until && !b.tired.Load() {
			part := min(pause, until-slept)
			time.Sleep(part)
			b.alive.Add(1)
			slept += part
			pause = min(2*pause, 10*time.Minute)
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
