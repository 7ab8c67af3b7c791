package injector

import (
	"container/heap"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The limits of a prompter.
const (
	// promptWithin is the longest wait that it helps: for longer ones a
	// millisecond does not matter.
	promptWithin = 50 * time.Millisecond
	// promptAfter is how long after an instant the kernel is asked to wake the
	// process. Before it, the runtime would go back to sleep for a millisecond.
	promptAfter = 20 * time.Microsecond
	// maxPrompts is how many instants can be waited for. A process that waits
	// for more is awake often enough without help.
	maxPrompts = 16
	// maxLead is the most by which a timer fires too early, and spareLead by how
	// much more than timers are late.
	maxLead   = 200 * time.Microsecond
	spareLead = 40 * time.Microsecond
	// leadShare is how much of one processor's time leads may take, and leadBurst
	// how many nanoseconds of it at once.
	leadShare = 0.2
	leadBurst = 5_000_000
)

// A prompter makes short waits end at their instant where time is real. The
// runtime of Go, where it has nothing else to do, waits in whole milliseconds for
// its timers, and what it wakes comes late: a delay of 1 ms lasts 1.1 to 2 ms.
//
// A timer of a prompter's fires early, by as much as timers were late recently
// and a little more, because the kernel is asked to wake the process then: the
// runtime looks at its timers when it is awake. The rest, some 40 µs, is spent
// looking at the clock. Where that took more than a fifth of one processor's time,
// as on a busy server, timers are what they are in Go. So they are in virtual
// time, where they are exact, and on systems without an alarm clock.
//
// It has a goroutine for as long as there are instants to come, which is less
// than promptWithin. It is safe for concurrent use.
type prompter struct {
	mu       sync.Mutex
	instants instants
	clock    *alarmClock   // that the goroutine waits for; nil: there is none
	late     time.Duration // by how much timers are late, lately
	leads    *rate.Limiter // of nanoseconds
}

// A timer fires shortly before its instant, or some time after it.
type timer struct {
	*time.Timer
	prompter *prompter // nil: it is the runtime's own
	at       time.Time // the instant
	early    time.Time // when it is to fire
}

// timer is one for an instant.
func (e *engine) timer(at time.Time) timer {
	now := time.Now()
	t := timer{at: at, early: at}
	if left := at.Sub(now); e.sequencer == nil && left > maxLead && left <= promptWithin && isKernelTime(now) {
		e.prompter.prompt(&t, now)
	}
	t.Timer = time.NewTimer(time.Until(t.early))
	return t
}

// rest is for who heard the timer: it waits for the instant.
func (t timer) rest() {
	if t.prompter == nil {
		return
	}
	now := time.Now()
	t.prompter.learn(now.Sub(t.early))
	for ; now.Before(t.at); now = time.Now() {
		runtime.Gosched()
	}
}

// learn notes by how much a timer was late.
func (p *prompter) learn(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = max(0, min(p.late+(late-p.late)/8, maxLead-spareLead))
}

// prompt makes a timer fire early, where that is possible.
func (p *prompter) prompt(t *timer, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leads == nil {
		p.leads = rate.NewLimiter(leadShare*rate.Limit(time.Second), leadBurst)
	}
	lead := p.late + spareLead
	if len(p.instants) >= maxPrompts || !p.leads.AllowN(now, int(lead)) {
		return
	}
	if p.clock == nil {
		clock, err := newAlarmClock()
		if err != nil {
			return
		}
		p.clock = clock
		go p.run(clock)
	}
	t.prompter, t.early = p, t.at.Add(-lead)
	heap.Push(&p.instants, t.early)
	if p.instants[0].Equal(t.early) {
		p.clock.set(t.early.Sub(now) + promptAfter)
	}
}

// run wakes the process at each instant, until none is left.
func (p *prompter) run(clock *alarmClock) {
	defer clock.close()
	for p.next(clock, clock.wait()) {
	}
}

// next passes the instants that have come, or all where the clock does not work.
// It reports whether there is another.
func (p *prompter) next(clock *alarmClock, works bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.instants) > 0 && !p.instants[0].After(now) {
		heap.Pop(&p.instants)
	}
	if len(p.instants) == 0 || !works {
		p.clock, p.instants = nil, nil
		return false
	}
	clock.set(p.instants[0].Sub(now) + promptAfter)
	return true
}

// instants are a heap.
type instants []time.Time

func (a instants) Len() int           { return len(a) }
func (a instants) Less(i, j int) bool { return a[i].Before(a[j]) }
func (a instants) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *instants) Push(t any)        { *a = append(*a, t.(time.Time)) }
func (a *instants) Pop() any {
	last := len(*a) - 1
	t := (*a)[last]
	*a = (*a)[:last]
	return t
}
