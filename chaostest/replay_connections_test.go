package chaostest_test

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A recording with connections of a TCP target is replayed without them: their
// bytes are not in it.
func TestReplayLeavesConnectionsOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "both.chaos.jsonl")
	o := orchestrator.Orchestration{
		Name:    "both",
		Targets: map[string]orchestrator.Target{"web": {}, "cache": {Kind: orchestrator.TCP}},
		Steps: []orchestrator.Step{{Name: "slow", Duration: 20 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
			Latency: &injector.Latency{FixedDelay: time.Millisecond},
			TCP:     &injector.TCP{Toxics: []injector.Toxic{{Type: injector.ToxicLatency, Attributes: injector.ToxicAttributes{Latency: time.Millisecond}}}},
		}}}},
	}
	var cache *chaostest.Target
	var web string
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for range 3 {
			resp, err := step.Client().Get(web)
			require.NoError(step, err)
			require.NoError(step, resp.Body.Close())
			conn, err := cache.Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			_, err = conn.Write([]byte("hello"))
			require.NoError(step, err)
			_, err = io.ReadFull(conn, make([]byte, 5)) // from the echo
			require.NoError(step, err)
			require.NoError(step, conn.Close())
		}
		step.Clock().Advance(step.Clock().Remaining())
	}, chaostest.RealTime(), chaostest.EventLog(path), chaostest.Setup(func(env *chaostest.Env) {
		cache, web = env.Target("cache"), env.Target("web").URL
	}))
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	protocols := map[string]int{}
	for _, q := range rec.Requests {
		protocols[q.Protocol]++
	}
	require.Equal(t, 3, protocols[""])
	require.Positive(t, protocols[injector.ProtocolTCP])
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Empty(t, v.Unverified)
	require.Len(t, rec.Requests, v.Requests)
	got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict())
	require.Equal(t, 3, got.Repeated)
	require.Zero(t, got.Beyond)
}

// Where the code is driven again, the seed decides about its connections and their
// messages as it did: each rule, in the order in which it is asked.
func TestReplayDecidesConnectionsAgain(t *testing.T) {
	t.Parallel()
	path, again := filepath.Join(t.TempDir(), "then.chaos.jsonl"), filepath.Join(t.TempDir(), "now.chaos.jsonl")
	delays := injector.ToxicAttributes{Latency: 2 * time.Millisecond, Jitter: time.Millisecond}
	o := orchestrator.Orchestration{
		Name:    "cache",
		Targets: map[string]orchestrator.Target{"cache": {Kind: orchestrator.TCP}},
		Steps: []orchestrator.Step{{Name: "slow", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
			TCP: &injector.TCP{Toxics: []injector.Toxic{
				{Type: injector.ToxicLatency, Stream: injector.Upstream, Toxicity: new(0.5), Attributes: delays},
				{Type: injector.ToxicLatency, Toxicity: new(0.3), Per: injector.PerMessage, Protocol: "lines", Attributes: delays},
			}},
		}}}},
	}
	var cache *chaostest.Target
	body := func(step *chaostest.Step) {
		for range 8 {
			conn, err := cache.Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			for range 4 {
				_, err = conn.Write([]byte("hello\n"))
				require.NoError(step, err)
				_, err = io.ReadFull(conn, make([]byte, 6)) // from the echo
				require.NoError(step, err)
			}
			require.NoError(step, conn.Close())
		}
		step.Clock().Advance(step.Clock().Remaining())
	}
	setup := chaostest.Setup(func(env *chaostest.Env) { cache = env.Target("cache") })
	chaostest.RunOrchestration(t, o, body, chaostest.RealTime(), chaostest.EventLog(path), setup)
	chaostest.Replay(t, path, body, chaostest.EventLog(again), setup)
	decided := func(path string) (out []injector.Decision) {
		rec, err := orchestrator.ReadLog(path)
		require.NoError(t, err)
		for _, q := range rec.Requests {
			out = append(out, q.Decisions...)
		}
		return out
	}
	then := decided(path)
	require.Greater(t, len(then), 8)
	require.Equal(t, then, decided(again))
}
