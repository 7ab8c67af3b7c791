package matrix_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

const message = "grüße aus Köln"

// next is the next message of a chat, or the end.
func next(t require.TestingT, c chat, patience time.Duration) received {
	select {
	case r := <-c.received():
		return r
	case <-time.After(patience):
		require.FailNow(t, "no message")
		return received{}
	}
}

// silent says that nothing comes for a while.
func silent(t require.TestingT, c chat, d time.Duration) {
	select {
	case r := <-c.received():
		require.FailNow(t, "a message", "%+v", r)
	case <-time.After(d):
	}
}

// A fault is what a client and an upstream see of a step.
type sight struct {
	exact bool // in virtual time
	ends  <-chan told
}

// took checks how long something took.
func (s sight) took(t require.TestingT, want, got time.Duration) {
	if s.exact {
		requireAfter(t, want-grid, got, 4)
		return
	}
	require.GreaterOrEqual(t, got, want)
}

// look dials in a step, and checks what is seen of its fault.
func (s sight) look(t require.TestingT, step, url string, dial dialer) {
	c, err := dial(context.Background(), url+"/chat")
	if step == "refused" {
		require.Equal(t, badHandshake(http.StatusServiceUnavailable), err)
		return
	}
	if step == "partition" {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	defer c.close()
	began := time.Now()
	require.NoError(t, c.send(message))
	pinged := time.Now()
	require.NoError(t, c.ping(), "pings pass")
	if step == "late pings" {
		s.took(t, 1500*time.Millisecond, time.Since(pinged))
	} else if s.exact {
		s.took(t, 0, time.Since(pinged))
	}
	const patience = time.Minute
	switch step {
	case "closed":
		require.Equal(t, message, next(t, c, patience).text)
		require.NoError(t, c.send(message))
		require.Equal(t, message, next(t, c, patience).text)
		end := next(t, c, patience)
		require.Equal(t, told{1008, "too much of it"}, told{end.code, end.reason})
		require.Equal(t, told{1008, "too much of it"}, <-s.ends, "the upstream is told the same")
		if s.exact {
			require.Less(t, time.Since(began), time.Millisecond)
		}
	case "lost":
		silent(t, c, 50*time.Millisecond)
		require.NoError(t, c.ping())
	case "corrupt":
		got := next(t, c, patience)
		require.NoError(t, got.err)
		require.NotEqual(t, message, got.text)
		require.Len(t, got.text, len(message))
		require.True(t, utf8.ValidString(got.text))
	case "short":
		got := next(t, c, patience)
		require.NoError(t, got.err)
		require.Less(t, len(got.text), len(message))
		require.True(t, strings.HasPrefix(message, got.text))
	case "late", "late pings":
		require.NoError(t, c.send("another"))
		got := next(t, c, patience)
		require.Equal(t, message, got.text)
		s.took(t, 1500*time.Millisecond, got.at.Sub(began))
		require.Equal(t, "another", next(t, c, patience).text)
	case "healed":
		require.Equal(t, message, next(t, c, patience).text)
	default:
		require.FailNow(t, "no expectation for step "+step)
	}
}

// Both libraries, as clients and as upstreams, on virtual time.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	for upstream := range echoes(nil) {
		t.Run(upstream, func(t *testing.T) {
			t.Parallel()
			var ends chan told
			var all []dialer
			chaostest.Run(t, "testdata/websocket.yaml", func(step *chaostest.Step) {
				for _, dial := range all {
					if step.Spec.Name == "partition" {
						ctx, cancel := context.WithTimeout(step.Context(), time.Second)
						_, err := dial(ctx, step.URL)
						cancel()
						require.Error(step, err, "silence, until the client's own time-out")
						continue
					}
					sight{true, ends}.look(step, step.Spec.Name, step.URL, dial)
				}
			}, chaostest.Setup(func(env *chaostest.Env) {
				ends = make(chan told, 100)
				env.Serve("default", echoes(ends)[upstream])
				all = dialers(env.Client(), env.Target("default").Dial)
			}))
		})
	}
}
