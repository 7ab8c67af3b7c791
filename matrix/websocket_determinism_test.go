package matrix_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

// One seed, one run: the same event log, and the same messages at the same
// instants for each of several clients of both libraries.
func TestWebSocketOneSeedOneRun(t *testing.T) { // not parallel: it changes GOMAXPROCS
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	digests := map[string]int{}
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for i := range 4 {
			t.Run(fmt.Sprintf("procs=%d/%d", procs, i), func(t *testing.T) { digests[chatter(t)]++ })
		}
	}
	require.Len(t, digests, 1)
}

// chatter lets six clients talk for some seconds.
func chatter(t *testing.T) string {
	var all []dialer
	var mu sync.Mutex
	var seen []string
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	chaostest.Run(t, "testdata/chatter.yaml", func(step *chaostest.Step) {
		var clients sync.WaitGroup
		start := time.Now()
		for n := range 6 {
			clients.Go(func() {
				time.Sleep(time.Duration(n) * 100 * time.Nanosecond)
				for k := 0; step.Context().Err() == nil; k++ {
					c, err := all[n%2](step.Context(), fmt.Sprintf("%s/chat/%d", step.URL, n))
					if err != nil {
						return
					}
					talk(step.Context(), c, func(what string) {
						mu.Lock()
						defer mu.Unlock()
						seen = append(seen, fmt.Sprintf("%d %d %v %s", n, k, time.Since(start), what))
					})
				}
			})
		}
		clients.Wait()
	}, chaostest.Seed(5), chaostest.EventLog(path), chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("default", coderEcho(make(chan told, 1000)))
		all = dialers(env.Client(), env.Target("default").Dial)
	}))
	events, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, kind := range []string{"websocket_close", "message_drop", "message_corruption", "message_truncation", "message_delay", "packet_loss"} {
		require.Contains(t, string(events), kind)
	}
	require.Greater(t, len(seen), 300)
	slices.Sort(seen) // clients at one instant append in any order
	return fmt.Sprintf("%x", sha256.Sum256(append(events, strings.Join(seen, "\n")...)))
}

// talk sends a message every 50 ms and notes what comes, until the connection
// or the step ends.
func talk(ctx context.Context, c chat, note func(string)) {
	defer c.close()
	for i := range 60 {
		if ctx.Err() != nil || c.send(fmt.Sprintf("message %d", i)) != nil {
			return
		}
		for waited := time.After(50 * time.Millisecond); waited != nil; {
			select {
			case r := <-c.received():
				note(fmt.Sprintf("%q %d %q", r.text, r.code, r.reason))
				if r.err != nil {
					return
				}
			case <-waited:
				waited = nil
			}
		}
	}
}
