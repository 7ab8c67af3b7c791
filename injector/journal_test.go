package injector_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A notebook is a Journal that keeps everything, in order. It needs no lock:
// that is what it tests.
type notebook struct {
	instants []time.Time
	notes    []any
	foreign  []injector.LayerRef
	drawn    []drewBefore
	changes  []injector.Transition // since the last note
	before   [][]injector.Transition
}

// A drewBefore comes before the note with that place.
type drewBefore struct {
	place int
	injector.Drew
}

func (n *notebook) note(at time.Time, what any) {
	n.instants = append(n.instants, at)
	n.notes = append(n.notes, what)
	n.before = append(n.before, n.changes)
	n.changes = nil
}

func (n *notebook) Request(r *injector.Request)        { n.note(r.Decided, *r) }
func (n *notebook) Done(o *injector.Outcome)           { n.note(o.At, *o) }
func (n *notebook) Layer(c *injector.LayerChange)      { n.note(c.At, *c) }
func (n *notebook) Switch(at time.Time, on bool)       { n.note(at, on) }
func (n *notebook) Wait(w *injector.Wait)              { n.note(w.At, *w) }
func (n *notebook) Resume(r *injector.Resume)          { n.note(r.At, *r) }
func (n *notebook) Connection(layer injector.LayerRef) { n.foreign = append(n.foreign, layer) }
func (n *notebook) Drew(d *injector.Drew)              { n.drawn = append(n.drawn, drewBefore{len(n.notes), *d}) }
func (n *notebook) Transition(t *injector.Transition) {
	n.changes = append(n.changes, *t)
}

// again makes the decisions of the notes again and requires the same ones.
func (n *notebook) again(t *testing.T, seed uint64, layers map[string]injector.Layer) (decisions, transitions int) {
	t.Helper()
	c := injector.NewRecomputer(seed)
	drawn, met := n.drawn, map[int64]bool{}
	for i, what := range n.notes {
		at := n.instants[i]
		for len(drawn) > 0 && drawn[0].place == i {
			require.NoError(t, c.Drew(&drawn[0].Drew))
			drawn = drawn[1:]
		}
		if q, is := what.(injector.Request); is && q.Method == "" {
			got := c.Meet(at, &q)
			require.Equal(t, q.Decisions, got.Decisions, "request %d of %s %s", q.N, q.Target, q.Protocol)
			decisions, met[q.N] = decisions+len(got.Decisions), true
			continue
		}
		require.Empty(t, c.Missing(at))
		switch what := what.(type) {
		case injector.LayerChange:
			if what.On {
				c.On(at, layers[what.Layer.Name])
			} else {
				require.NoError(t, c.Off(what.Layer))
			}
		case injector.Request:
			got, err := c.Arrive(at, &what)
			require.NoError(t, err)
			require.NotNil(t, got, "request %d waits", what.N)
			require.Equal(t, what.Layers, got.Layers)
			require.Equal(t, what.Decisions, got.Decisions, "request %d", what.N)
			decisions += len(got.Decisions)
		case injector.Wait:
			got, err := c.Arrive(at, &what.Request)
			require.NoError(t, err)
			require.Nil(t, got, "request %d does not wait", what.Request.N)
			require.Contains(t, c.Waiting(), what.Request.N)
		case injector.Resume:
			require.NoError(t, c.Resume(at, what.N, what.Because))
		case bool:
			c.Switch(what)
		case injector.Outcome:
			if !met[what.N] {
				require.NoError(t, c.Leave(at, &what))
			}
		}
		got := c.Transitions()
		require.Equal(t, n.before[i], got)
		transitions += len(got)
	}
	require.Empty(t, c.Waiting())
	return decisions, transitions
}

// stateful is a config in which all that depends on state acts.
func stateful() injector.Config {
	return injector.Config{
		CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 4, Timeout: 300 * time.Microsecond, SuccessThreshold: 1},
		Bulkhead:       &injector.Bulkhead{MaxConcurrentRequests: 2, MaxQueueSize: new(3), QueueTimeout: new(100 * time.Microsecond)},
		RateLimit:      &injector.RateLimit{RequestsPerSecond: 20000, BurstSize: 40, PerIP: true, PerEndpoint: true},
		TrafficShaping: &injector.TrafficShaping{MaxConnections: 5},
		Latency:        &injector.Latency{FixedDelay: 50 * time.Microsecond, Probability: new(0.3)},
		FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.4), PayloadCorruption: new(true), PayloadCorruptionProbability: new(0.2),
			RequestMatcher: &injector.RequestMatcher{Headers: []injector.HeaderMatch{{Name: "X-Hit"}}},
		},
	}
}

// Under real concurrency, with layers coming and going, everything has its
// place in one order, and from that order alone the same decisions come again.
func TestDecisionsFollowFromTheJournal(t *testing.T) {
	t.Parallel()
	book := &tally{}
	in := injector.New(injector.WithSeed(5), injector.InOrder(), injector.WithObserver(book))
	require.True(t, in.Ordered())
	layers := map[string]injector.Layer{"base": {Name: "base", Config: stateful(), Order: 1}}
	for i := range 20 {
		name := fmt.Sprintf("extra-%d", i)
		layers[name] = injector.Layer{Name: name, Config: stateful(), Order: 2 * (i % 2), Targets: [][]string{nil, {"default"}}[i%2]}
	}
	defer in.Apply(layers["base"])()
	h := in.Handler(ok)
	want := map[string]int{"wait": 1, "transition": 1, "decision": 51} // how many decisions there are depends on how long the breaker was open
	start := time.Now()
	var all sync.WaitGroup
	var sent atomic.Int64
	for c := range 8 {
		all.Go(func() {
			for n := 0; n < 200 || book.lacks(want) != "" && time.Since(start) < patience; n++ {
				sent.Add(1)
				r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/thing/%d", n%3), nil)
				r.RemoteAddr = fmt.Sprintf("10.0.0.%d:%d", c%4, 1000+c)
				if n%3 > 0 {
					r.Header.Set("X-Hit", "1")
				}
				ctx, cancel := context.WithCancel(r.Context())
				if n%7 == 0 {
					timer := time.AfterFunc(70*time.Microsecond, cancel) // leaves in the queue, or while delayed
					defer timer.Stop()
				}
				func() {
					defer func() { _ = recover() }() // aborted responses
					h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
				}()
				cancel()
			}
		})
	}
	all.Go(func() {
		for i := range 20 {
			remove := in.Apply(layers[fmt.Sprintf("extra-%d", i)])
			time.Sleep(300 * time.Microsecond)
			if i%6 == 3 {
				in.Suspend()
				in.Suspend() // which changes nothing
				time.Sleep(100 * time.Microsecond)
				in.Resume()
			}
			remove()
		}
	})
	all.Wait()
	require.True(t, slices.IsSortedFunc(book.instants, func(a, b time.Time) int {
		if a.Before(b) {
			return -1
		}
		return 1 // equal ones are out of order too
	}))
	kinds := map[string]int{}
	for _, n := range book.notes {
		kinds[fmt.Sprintf("%T", n)]++
	}
	require.EqualValues(t, sent.Load(), kinds["injector.Request"], "%v", kinds)
	require.EqualValues(t, sent.Load(), kinds["injector.Outcome"], "%v", kinds)
	require.Equal(t, 41, kinds["injector.LayerChange"])
	require.Equal(t, 6, kinds["bool"], "suspensions")
	require.Equal(t, kinds["injector.Wait"], kinds["injector.Resume"])
	require.Empty(t, book.lacks(want))
	decisions, transitions := book.again(t, 5, layers)
	require.Equal(t, book.counts["decision"], decisions)
	require.Equal(t, book.counts["transition"], transitions)
}

// seasonal is a config with schedules of every kind, and with what depends on the
// requests that are inside or on their headers.
func seasonal(i int) injector.Config {
	schedules := []injector.Schedule{
		{Type: "first", Count: 40}, {Type: "every", Count: 3}, {Type: "window", From: time.Millisecond, To: 3 * time.Millisecond, Period: 5 * time.Millisecond},
		{Type: "ramp", Start: new(0.2)},
	}
	return injector.Config{
		Latency: &injector.Latency{FixedDelay: 30 * time.Microsecond, Probability: new(0.3), Schedule: &schedules[i%4]},
		FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.3), ConnectionErrorProbability: new(0.2), ConnectionErrorKind: injector.MalformedChunk,
			PartialResponseProbability: new(0.1), RetryAfter: new(time.Second), MaxActiveFaults: new(2), OverrideHeaders: i%2 == 0,
			Dribble:  &injector.Dribble{NumberOfChunks: 2, TotalDuration: 200 * time.Microsecond, Probability: new(0.2)},
			Rewrite:  &injector.Rewrite{Status: 502, Probability: new(0.2)},
			Schedule: &schedules[(i/4+i)%4],
		},
		CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 6, Timeout: 200 * time.Microsecond},
	}
}

// Schedules, limits of faults, and what requests ask for are made again from the
// journal too. It is not parallel: its clients take every core that there is.
func TestSchedulesFollowFromTheJournal(t *testing.T) {
	book := &tally{}
	in := injector.New(injector.WithSeed(5), injector.InOrder(), injector.WithObserver(book))
	h := in.Handler(ok)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for c := range 6 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r := httptest.NewRequest(http.MethodGet, "/thing", nil)
				switch (n + c) % 4 {
				case 0:
					r.Header.Set(injector.OverrideHeaderStatus, "418")
					r.Header.Set(injector.OverrideHeaderStatusPercentage, "62.5")
				case 1:
					r.Header.Set(injector.EnvoyHeaderDelay, "1")
					r.Header.Set(injector.EnvoyHeaderDelayPercentage, "20")
				}
				func() {
					defer func() { _ = recover() }() // aborted responses
					h.ServeHTTP(httptest.NewRecorder(), r)
				}()
			}
		})
	}
	want := each("masked", "asked", "latency", "http_error", "connection_error", "partial_response", "chunked_dribble_delay", "response_rewrite")
	want["decision"] = 101
	layers := map[string]injector.Layer{}
	for i, start := 0, time.Now(); i < 16 || book.lacks(want) != "" && time.Since(start) < patience; i++ {
		name := fmt.Sprintf("season-%d", i)
		layers[name] = injector.Layer{Name: name, Config: seasonal(i), Duration: 8 * time.Millisecond}
		remove := in.Apply(layers[name])
		time.Sleep(8 * time.Millisecond)
		remove()
	}
	close(stop)
	all.Wait()
	require.Empty(t, book.lacks(want))
	decisions, _ := book.again(t, 5, layers)
	require.Equal(t, book.counts["decision"], decisions)
}

// Every way in which a wait can end is told, and leads to the same again.
func TestJournalOfWaits(t *testing.T) {
	t.Parallel()
	book := &notebook{}
	layers := map[string]injector.Layer{
		"wall": walled(injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(2), QueueTimeout: new(700 * time.Millisecond)}),
		"link": {Name: "link", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}},
	}
	virtual(t, working, []injector.Option{injector.InOrder(), injector.WithObserver(book)}, func(w *world) {
		to := make(chan got)
		remove := w.in.Apply(layers["wall"])
		w.send(to, 0, "works", 0)
		w.send(to, 400*time.Millisecond, "granted", 0)
		w.send(to, 500*time.Millisecond, "leaves", 100*time.Millisecond)
		w.send(to, 1100*time.Millisecond, "late", 0)
		w.send(to, 1900*time.Millisecond, "healed", 0)
		time.AfterFunc(1950*time.Millisecond, remove)
		for range 5 {
			<-to
		}
		remove = w.in.Apply(layers["link"])
		w.send(to, 0, "lost", 300*time.Millisecond)
		w.send(to, 0, "waits", 0)
		time.Sleep(500 * time.Millisecond)
		remove()
		<-to
		<-to
	})
	because := map[injector.Because]int{}
	for _, n := range book.notes {
		if r, ok := n.(injector.Resume); ok {
			because[r.Because]++
		}
	}
	require.Equal(t, map[injector.Because]int{
		injector.BecauseGranted: 1, injector.BecauseLeft: 2, injector.BecauseTime: 1, injector.BecauseHealed: 2,
	}, because)
	decisions, _ := book.again(t, 0, layers)
	require.Equal(t, 3, decisions, "one was late, two met the partition")
}

// With a Sequencer there is an order already, and without a Journal nobody is
// told.
func TestInOrderHasNoEffect(t *testing.T) {
	t.Parallel()
	book := &notebook{}
	virtual(t, ok, []injector.Option{injector.InOrder(), injector.WithObserver(book), injector.WithSequencer(&sequencer{})}, func(w *world) {
		require.False(t, w.in.Ordered())
		defer w.in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{500}}))()
		_, _, err := get(w.client, "http://test/")
		require.NoError(t, err)
	})
	require.Len(t, book.notes, 2, "a request and its end, as any observer is told")

	in := injector.New(injector.InOrder())
	require.True(t, in.Ordered())
	defer in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(1.0)}))()
	rec := httptest.NewRecorder()
	in.Handler(ok).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, 500, rec.Code)
}

// What a connection limit counts without a request is told as what cannot be made
// again.
func TestJournalOfConnections(t *testing.T) {
	t.Parallel()
	book := &notebook{}
	in := injector.New(injector.InOrder(), injector.WithObserver(book))
	defer in.Apply(injector.Layer{Name: "few", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{MaxConnections: 1}}})()
	release, err := in.AdmitConn(t.Context(), "10.0.0.1:1")
	require.NoError(t, err)
	_, err = in.AdmitConn(t.Context(), "10.0.0.1:2")
	require.Error(t, err)
	release()
	require.Equal(t, []injector.LayerRef{{Name: "few"}, {Name: "few"}}, book.foreign)
}

func TestRecomputerRefuses(t *testing.T) {
	t.Parallel()
	c := injector.NewRecomputer(1)
	at := time.Now()
	require.EqualError(t, c.Off(injector.LayerRef{Name: "a", Iteration: 2}), "layer a of iteration 2 goes off, and was not on")
	require.EqualError(t, c.Drew(&injector.Drew{Layer: injector.LayerRef{Name: "a", Iteration: 2}}), "layer a of iteration 2 was asked, and was not on")
	require.EqualError(t, c.Resume(at, 3, injector.BecauseTime), "request 3 resumes, and does not wait")
	require.EqualError(t, c.Resume(at, 3, "boredom"), `request 3 resumes because of "boredom", which is nothing that ends a wait`)
	require.EqualError(t, c.Leave(at, &injector.Outcome{N: 3}), "request 3 leaves, and never came")
	_, err := c.Arrive(at, &injector.Request{N: 3, Target: "default"})
	require.NoError(t, err)
	_, err = c.Arrive(at, &injector.Request{N: 3, Target: "default"})
	require.EqualError(t, err, "request 3 arrives twice")
}

// What a log can make a Recomputer do is bounded, by all of its lines together.
func TestRecomputerBoundsDraws(t *testing.T) {
	t.Parallel()
	c := injector.NewRecomputer(1)
	ref := injector.LayerRef{Name: "a"}
	at := time.Now()
	c.On(at, injector.Layer{Name: "a", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 50}}})
	const up, down = "packet_loss up", "packet_loss down"
	drew := func(rules map[string]int) error {
		return c.Drew(&injector.Drew{At: at, Layer: ref, Rules: rules, Quiet: true})
	}
	require.EqualError(t, drew(map[string]int{up: 0}), `rule "packet_loss up" of layer a was asked 0 times, which is not 1 or more`)
	const most = 200_000_000
	require.NoError(t, drew(map[string]int{up: most - 10}))
	require.Less(t, len(c.Missing(at)), 10_000, "the first of them are enough")
	require.NoError(t, drew(map[string]int{up: 5, down: 5}))
	require.EqualError(t, drew(map[string]int{down: 1}), `rule "packet_loss down" of layer a was asked 1 times: a recording with more than 200000000 draws about connections and messages is not made again`)
}
