package chaostest_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A handler that still works when its client has left is waited for, in
// virtual time: it is no leak.
func TestHandlerOutlivesItsClient(t *testing.T) {
	t.Parallel()
	var finished atomic.Int64
	in(t, quiet("impatient", time.Minute), func(step *chaostest.Step) {
		hasty := *step.Client()
		hasty.Timeout = time.Second
		for range 3 {
			require.ErrorIs(step, order(&hasty, step.URL)(step.Context()), context.DeadlineExceeded)
		}
	}, chaostest.Upstream(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(3 * time.Hour)
		finished.Add(1)
	})))
	require.EqualValues(t, 3, finished.Load())
}

// A transport of the user's own that nobody closes is no leak: the servers
// close its connections.
func TestTransportOfTheUsersOwn(t *testing.T) {
	t.Parallel()
	var dial func(context.Context, string, string) (net.Conn, error)
	in(t, chaos("errors", time.Minute, erring(0.5)), func(step *chaostest.Step) {
		step.Load(10, order(&http.Client{Transport: &http.Transport{DialContext: dial}}, step.URL))
	}, chaostest.Setup(func(env *chaostest.Env) { dial = env.Target("default").Dial }))
}

func scenarioForgottenBody(t *testing.T) {
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		resp, err := step.Client().Get(step.URL)
		require.NoError(step, err)
		require.Equal(step, http.StatusOK, resp.StatusCode)
	}, chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })))
}

// A response whose body nobody closes is reported with the line that asked for
// it and its connection.
func TestForgottenBody(t *testing.T) {
	t.Parallel()
	p := fails(t, "forgotten body")
	require.Contains(t, p.out, "goroutines leaked: still there a day of virtual time after everything was closed")
	require.Regexp(t, `response body not closed, of the request at leak_test\.go:\d+\n`, p.out)
	require.Contains(t, p.out, "open connections: 127.0.0.1:40001")
	require.Contains(t, p.out, "close every response body")
	require.Equal(t, map[string]string{"": "FAIL", "calm": "FAIL"}, p.verdicts(), "its operation never ended either")
}

func scenarioTicker(t *testing.T) {
	in(t, quiet("calm", 0), func(*chaostest.Step) {}, chaostest.Setup(func(*chaostest.Env) {
		go func() {
			for range time.Tick(time.Microsecond) {
				_ = time.Now()
			}
		}()
	}))
}

// A ticker that never stops would take a day of microseconds to drain. The
// harness gives up on it after its budget of real time.
func TestTickerThatNeverStops(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("uses up the budget of real time for draining")
	}
	p := fails(t, "ticker") // the whole day would take a day
	require.Contains(t, p.out, "1 goroutine still running when the real time for draining was used up")
	require.Regexp(t, `leak_test\.go:\d+`, p.out)
}
