package chaostest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The watchdog looks every watchPeriod of real time; a run without progress
// whose goroutines wait in the same places for frozenLooks looks is frozen.
// Where the world outside may end the wait, such as a disk that is busy or a
// server that is slow to answer, it takes outsideLooks.
const (
	watchPeriod  = 250 * time.Millisecond
	frozenLooks  = 5
	outsideLooks = 20
	drainBudget  = 2 * time.Second
)

// watch waits for the bubble's end from outside, in real time.
func (b *bubble) watch() (failure any, frozen []stack) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	drain := b.drain
	var budget <-chan time.Time
	var last uint64
	var before string
	looks := 0
	for {
		select {
		case failure := <-b.ends:
			return failure, nil
		case <-drain:
			drain = nil
			timer := time.NewTimer(drainBudget)
			defer timer.Stop()
			budget = timer.C
		case <-budget:
			b.tired.Store(true)
		case <-tick.C:
			alive := b.alive.Load()
			if alive != last {
				last, looks, before = alive, 0, ""
				continue
			}
			name, _ := b.name.Load().(string)
			stuck := waiting(name)
			now := places(stuck)
			if now == "" || now != before {
				before, looks = now, 0
				continue
			}
			if looks++; looks >= patience(stuck) {
				return nil, stuck
			}
		}
	}
}

// waiting lists the bubble's goroutines that wait in a way that stops virtual
// time. It is empty where any of them still runs.
func waiting(bubble string) []stack {
	if bubble == "" {
		return nil
	}
	var out []stack
	for _, s := range allStacks() {
		if bubbleOf(s.state) != bubble || s.durable() || s.synctest() {
			continue
		}
		if s.busy() {
			return nil
		}
		out = append(out, s)
	}
	return out
}

// patience is for how many looks goroutines that wait are given.
func patience(stacks []stack) int {
	if slices.ContainsFunc(stacks, stack.outside) {
		return outsideLooks
	}
	return frozenLooks
}

// places identifies where goroutines wait.
func places(stacks []stack) string {
	var b strings.Builder
	for _, s := range stacks {
		state, _, _ := strings.Cut(s.state, ",")
		b.WriteString(s.id + " " + state + "\n" + s.body + "\n")
	}
	return b.String()
}

// frozenText explains a frozen clock.
func frozenText(where string, stuck []stack) string {
	var b strings.Builder
	fmt.Fprintf(&b, "virtual time is frozen in %s: something waits for what virtual time cannot move, such as a real socket, a mutex held over a wait, or a channel made outside the run", where)
	for _, s := range stuck {
		b.WriteString("\n    " + strings.ReplaceAll(s.String(), "\n", "\n    "))
	}
	b.WriteString("\n    hint     reach targets through env.Client or Target.Dial; start what needs the outside with chaostest.Prime; see docs/virtual-time.md")
	return b.String()
}
