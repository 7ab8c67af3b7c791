package injector

import (
	"container/heap"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// idle reports whether a prompter has no goroutine.
func (p *prompter) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock == nil && len(p.instants) == 0
}

// prompted is a timer of a wait of that length. A machine that stands still for
// as long makes it one that has no need of a prompter, so it is tried again.
func prompted(t *testing.T, e *engine, d time.Duration) timer {
	t.Helper()
	for range 100 {
		out := e.timer(time.Now().Add(d))
		if out.prompter != nil {
			return out
		}
		out.Stop()
	}
	require.FailNow(t, "no timer is prompted")
	return timer{}
}

func TestPromptedTimers(t *testing.T) {
	t.Parallel()

	var e engine
	for _, d := range []time.Duration{time.Millisecond, 1500 * time.Microsecond, 3 * time.Millisecond} {
		timer := prompted(t, &e, d)
		require.True(t, timer.early.Before(timer.at))
		<-timer.C
		timer.rest()
		require.False(t, time.Now().Before(timer.at), "a wait never ends before its instant")
	}
	require.Eventually(t, e.prompter.idle, 10*time.Second, time.Millisecond, "the goroutine ends with the last instant")
}

func TestPrompterTakesTheNextInstant(t *testing.T) {
	t.Parallel()

	now := time.Now()
	var p prompter
	for _, d := range []time.Duration{40, 20, 30, 20, 10} {
		heap.Push(&p.instants, now.Add(d))
	}
	var all []time.Duration
	for range 5 {
		all = append(all, heap.Pop(&p.instants).(time.Time).Sub(now))
	}
	require.Equal(t, []time.Duration{10, 20, 20, 30, 40}, all)
}

func TestTimersWithoutPrompter(t *testing.T) {
	t.Parallel()

	plain := func(t *testing.T, e *engine, d time.Duration) {
		t.Helper()
		at := time.Now().Add(d)
		timer := e.timer(at)
		defer timer.Stop()
		require.Nil(t, timer.prompter)
		require.Equal(t, at, timer.early)
	}
	t.Run("long", func(t *testing.T) {
		t.Parallel()
		plain(t, &engine{}, time.Minute)
	})
	t.Run("virtual time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			plain(t, &engine{}, time.Millisecond)
		})
	})
	t.Run("no time left for leads", func(t *testing.T) {
		t.Parallel()
		e := &engine{}
		e.prompter.leads = rate.NewLimiter(0, 0)
		plain(t, e, time.Millisecond)
	})
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		e := &engine{}
		e.prompter.instants = make(instants, maxPrompts)
		plain(t, e, time.Millisecond)
	})
}

func TestPromptedTimersWaitForTheRest(t *testing.T) {
	t.Parallel()

	now := time.Now()
	early := timer{prompter: &prompter{}, at: now.Add(20 * time.Millisecond), early: now}
	early.rest()
	require.False(t, time.Now().Before(early.at))
}

// A timer that was late makes the next one fire earlier, up to a limit.
func TestPrompterLearns(t *testing.T) {
	t.Parallel()

	var p prompter
	for range 100 {
		p.learn(80 * time.Microsecond)
	}
	require.InDelta(t, 80*time.Microsecond, p.late, float64(2*time.Microsecond))
	for range 100 {
		p.learn(time.Hour)
	}
	require.Equal(t, maxLead-spareLead, p.late)
	for range 100 {
		p.learn(-time.Hour)
	}
	require.Zero(t, p.late)
}
