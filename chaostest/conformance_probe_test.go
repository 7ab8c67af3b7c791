package chaostest_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A prober sends requests at fixed offsets from the run's start, in delays too,
// through a client of its own. The harness does not record that client: a
// recorded operation that is in progress at a step's end would move the next
// step, and it is the document's timetable that is looked at.
type prober struct {
	every   time.Duration // the first probe comes after half of it, so that none meets a step's edge
	floods  []flood
	timeout time.Duration // the client's own; 0: none
	length  time.Duration // of the run

	probes []probe // when the run is over
	idle   sync.WaitGroup
}

// A flood is a dense row of requests beside the regular ones.
type flood struct {
	at   time.Duration
	n    int
	pace time.Duration
}

// exceeding is almost twice as much as a limit of perSecond lets through, for
// a fifth of a second or 40 requests. The pace is a crooked one: no request
// comes at the very instant at which a token does.
func exceeding(at time.Duration, perSecond float64) flood {
	pace := time.Duration(0.5123 / perSecond * float64(time.Second))
	return flood{at: at, n: max(40, int(200*time.Millisecond/pace)), pace: pace}
}

// A probe is one request as its client saw it.
type probe struct {
	id     string
	took   time.Duration
	status int // 0: no response
	err    error
	body   string
	header http.Header
}

func (p *prober) schedule() []time.Duration {
	var offsets []time.Duration
	for at := p.every / 2; at < p.length; at += p.every {
		offsets = append(offsets, at)
	}
	for _, f := range p.floods {
		for i := range f.n {
			offsets = append(offsets, f.at+time.Duration(i)*f.pace)
		}
	}
	slices.Sort(offsets)
	return offsets
}

// setup starts the probing.
func (p *prober) setup(env *chaostest.Env) {
	schedule := p.schedule()
	p.probes = make([]probe, len(schedule))
	// Connections that each burst would have to open anew cost more than the
	// requests do.
	transport := &http.Transport{DialContext: env.Target("default").Dial, MaxIdleConnsPerHost: 256}
	client := &http.Client{Transport: transport, Timeout: p.timeout}
	start := time.Now()
	p.idle.Go(func() {
		for i, at := range schedule {
			select {
			case <-time.After(time.Until(start.Add(at))):
			case <-env.Context().Done():
				return
			}
			p.idle.Go(func() { p.probes[i] = ask(client, env.URL, strconv.Itoa(i)) })
		}
	})
	env.Cleanup(func() {
		p.idle.Wait()
		transport.CloseIdleConnections()
	})
}

func ask(client *http.Client, url, id string) (p probe) {
	start := time.Now()
	defer func() { p.took = time.Since(start) }()
	p.id = id
	req, err := http.NewRequest(http.MethodGet, url+"/orders", nil)
	if err != nil {
		return probe{id: id, err: err}
	}
	req.Header.Set("X-Request-Id", id)
	resp, err := client.Do(req)
	if err != nil {
		p.err = err
		return p
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	p.status, p.header, p.body, p.err = resp.StatusCode, resp.Header, string(body), err
	return p
}

// timedOut reports whether the client gave up.
func (p probe) timedOut() bool {
	var t interface{ Timeout() bool }
	return errors.As(p.err, &t) && t.Timeout()
}
