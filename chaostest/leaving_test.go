package chaostest_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
)

// requireOneRun repeats a run and requires that what it returns is the same
// each time.
func requireOneRun(t *testing.T, run func(t *testing.T) string) {
	t.Helper()
	var first string
	for i := range repetitions() {
		got := run(t)
		if i == 0 {
			first = got
		}
		require.Equal(t, first, got, "run %d", i+1)
	}
}

// A client that leaves at the very instant at which its next bytes come: whether
// its connection takes the bandwidth for those behind them is no accident.
func TestAClientThatLeavesAsItsBytesComeOneSeedOneRun(t *testing.T) {
	t.Parallel()
	limit := injector.Toxic{Type: injector.ToxicBandwidth, Attributes: injector.ToxicAttributes{Rate: 5}} // 50 bytes each 10 ms
	requireOneRun(t, func(t *testing.T) string {
		var env *chaostest.Env
		var others []time.Duration
		chaostest.RunOrchestration(t, database(toxic("narrow", 10*time.Second, limit)), func(step *chaostest.Step) {
			db, start := env.Target("db"), time.Now()
			var both sync.WaitGroup
			both.Go(func() {
				for range 10 {
					c := connection(step, db)
					_, _ = io.WriteString(c, strings.Repeat("x", 1000)+"\n")
					_, _ = c.Read(make([]byte, 50))
					time.Sleep(20 * time.Millisecond)
					_ = c.Close()
					time.Sleep(70 * time.Millisecond)
				}
			})
			both.Go(func() {
				time.Sleep(101 * time.Nanosecond)
				for range 10 {
					_, err := exchange(connection(step, db), strings.Repeat("y", 49))
					require.NoError(step, err)
					others = append(others, time.Since(start))
				}
			})
			both.Wait()
		}, chaostest.Setup(func(e *chaostest.Env) {
			env = e
			e.ServeConn("db", shouts)
		}))
		return fmt.Sprint(others)
	})
}

// Requests of one text that a partition has held up go on in the order in which
// they came.
func TestEqualRequestsAfterAPartitionOneSeedOneRun(t *testing.T) {
	t.Parallel()
	o := document(
		chaos("partition", time.Second, injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}),
		chaos("limit", 2*time.Second, injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.1, BurstSize: 1}}),
	)
	o.Parallel = true
	requireOneRun(t, func(t *testing.T) string {
		var got [4]int
		chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
			if step.Spec.Name != "partition" {
				return
			}
			var all sync.WaitGroup
			for i := range got {
				all.Go(func() {
					time.Sleep(time.Duration(i+1) * 10 * time.Millisecond)
					got[i] = fetch(step.Client(), request(step, http.MethodGet, step.URL, nil)).status
				})
			}
			all.Wait()
		}, chaostest.Upstream(says("well")))
		require.Equal(t, []int{429, 429, 429}, slices.DeleteFunc(slices.Clone(got[:]), func(status int) bool { return status == 200 }))
		require.Equal(t, 200, got[0])
		return fmt.Sprint(got)
	})
}

// So is it for a download: a client that leaves at the instant at which a piece
// of it comes takes no bandwidth for the next one.
func TestADownloadThatIsLeftAsItsBytesCome(t *testing.T) {
	t.Parallel()
	limit := injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 5000}} // 250 bytes each 50 ms
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", map[string]int{"/long": 5000, "/short": 250}[r.URL.Path]))
	})
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			for range repetitions() {
				var others []time.Duration
				faulty(t, limit, upstream, func(step *chaostest.Step, target *chaostest.Target) {
					client, start := &http.Client{Transport: over(protocol, target)}, time.Now()
					var both sync.WaitGroup
					both.Go(func() {
						resp, err := client.Get(step.URL + "/long")
						require.NoError(step, err)
						_, _ = resp.Body.Read(make([]byte, 250))
						time.Sleep(100 * time.Millisecond)
						_ = resp.Body.Close()
					})
					both.Go(func() {
						time.Sleep(10*time.Millisecond + 101)
						for range 6 {
							require.NoError(step, fetch(client, request(step, http.MethodGet, step.URL+"/short", nil)).err)
							others = append(others, time.Since(start).Round(time.Millisecond))
						}
					})
					both.Wait()
				})
				ms := time.Millisecond
				require.Equal(t, []time.Duration{100 * ms, 200 * ms, 300 * ms, 350 * ms, 400 * ms, 450 * ms}, others)
			}
		})
	}
}
