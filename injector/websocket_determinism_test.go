package injector_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// One seed gives one run, whatever the number of processors: which messages are
// hit, and when each client sees what.
func TestWebSocketDeterminism(t *testing.T) { // not parallel: it changes GOMAXPROCS
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runs := 8
	if testing.Short() {
		runs = 2
	}
	digests := map[string]int{}
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for range runs {
			digests[socketRun(t)]++
		}
	}
	require.Len(t, digests, 1, "of %d runs", 3*runs)
}

// socketRun lets several clients talk at once, and returns a digest of what
// they saw and of what an observer was told.
func socketRun(t *testing.T) string {
	t.Helper()
	seen := &events{}
	var log []string
	virtual(t, speaking(false, echoing), []injector.Option{injector.WithObserver(seen), injector.WithSequencer(&sequencer{}), injector.WithSeed(11)}, func(w *world) {
		w.in.Apply(sockets(injector.WebSocket{
			CloseCodes: []int{1001, 1011}, Probability: new(0.5), CloseAfterMessages: [2]int{10, 30}, MessageDropProbability: new(0.05),
			MessageCorruptionProbability: new(0.1), MessageTruncationProbability: new(0.1), MessageDelay: new(30 * time.Millisecond),
			MessageDelayProbability: new(0.3), ControlFrames: true,
		}))
		w.in.Apply(injector.Layer{Name: "net", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 3, BandwidthLimit: 20_000}}})
		var mu sync.Mutex
		var clients sync.WaitGroup
		for c := range 6 {
			clients.Go(func() {
				time.Sleep(time.Duration(c) * 100 * time.Nanosecond)
				p := w.connect(fmt.Sprintf("/chat/%d", c))
				defer p.Close()
				note := func(format string, args ...any) {
					mu.Lock()
					defer mu.Unlock()
					log = append(log, fmt.Sprintf("%d %v ", c, w.elapsed())+fmt.Sprintf(format, args...))
				}
				go func() {
					for i := range 20 {
						// Pieces of several sizes, at once.
						_ = p.send(text(fmt.Sprintf("message %d of %d", i, c)))
						_ = p.send(ping("p"), frame{op: 2, payload: strings.Repeat("x", 300)})
						_ = p.send(frame{fin: true, payload: "end"})
						time.Sleep(20 * time.Millisecond)
					}
					time.Sleep(3 * time.Second)
					p.Close()
				}()
				for {
					f, err := p.receive()
					if err != nil {
						note("over")
						return
					}
					note("%d %q", f.op, f.payload)
				}
			})
		}
		clients.Wait()
	})
	require.Greater(t, len(log), 150)
	slices.Sort(log) // clients at one instant append in any order
	out := []byte(strings.Join(log, "\n"))
	for _, r := range seen.requests {
		out = fmt.Appendf(out, "\n%d %v %v %s %v", r.N, r.At, r.Delay, r.Path, r.Decisions)
	}
	for _, kind := range []string{"websocket_close", "message_drop", "message_corruption", "message_truncation", "message_delay", "packet_loss"} {
		require.True(t, bytes.Contains(out, []byte(kind)), kind)
	}
	return fmt.Sprintf("%x", sha256.Sum256(out))
}
