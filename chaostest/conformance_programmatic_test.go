package chaostest_test

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// The documented "Programmatic Orchestration", which the orchestrator's example
// exports, in force: two steps at once, each after its own delay. As built and
// as exported and read again it is the same run, to the byte.
func TestProgrammaticOrchestration(t *testing.T) {
	t.Parallel()
	built := orchestrator.Orchestration{
		Name:        "my_test",
		Description: "Programmatic orchestration",
		Steps: []orchestrator.Step{
			{Name: "step1", Duration: time.Minute, DelayBefore: 5 * time.Second, Scenario: orchestrator.Scenario{
				Name: "slow", Config: &injector.Config{Latency: &injector.Latency{FixedDelay: 100 * time.Millisecond}},
			}},
			{Name: "step2", Duration: 2 * time.Minute, ContinueOnFailure: true, Scenario: orchestrator.Scenario{Name: "service_instability"}},
		},
		Parallel: true,
	}
	var text bytes.Buffer
	require.NoError(t, orchestrator.Encode(&text, &built, orchestrator.YAML))
	exported, _, err := orchestrator.Parse(text.Bytes(), orchestrator.YAML)
	require.NoError(t, err)

	first, second := runTwin(t, built), runTwin(t, *exported)
	require.Equal(t, first, second)
}

// runTwin runs the two steps, checks them, and returns what its client saw.
func runTwin(t *testing.T, o orchestrator.Orchestration) []probe {
	t.Helper()
	prober := &prober{every: 250 * time.Millisecond, length: 2 * time.Minute}
	log := filepath.Join(t.TempDir(), "events.jsonl")
	var bodies bodies
	chaostest.RunOrchestration(t, o, bodies.body, chaostest.Setup(prober.setup), chaostest.EventLog(log), chaostest.Seed(7),
		chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, upstreamSays) })))
	run := readRecord(t, log)
	require.InDelta(t, 2*time.Minute, run.total, float64(instant))
	step1, step2 := phase{step: "step1", from: 5, to: 65}, phase{step: "step2", from: 0, to: 120}
	bodies.check(t, run, []turn{{step1, 1}, {step2, 1}})

	all := seen{to: run.total, over: run.total, arrivals: sortOut(t, run, []turn{{step2, 1}}, prober.probes)[0]}
	require.Len(t, all.arrivals, 480)
	all.exactly(t, "http_error", 0.2, 1)
	all.exactly(t, "timeout", 0.1, 1)
	for _, a := range all.arrivals {
		steps := []string{"step2"}
		if at(5) <= a.at && a.at < at(65) {
			steps = []string{"step1", "step2"}
		}
		require.Equal(t, steps, a.steps, "the layers of a request, in step order, at %s", a.at)
		d := a.decided()
		require.Equal(t, len(steps) == 2, d.latency%(5*time.Second) == 100*time.Millisecond, "%+v", a)
		require.Equal(t, d.status, a.status)
		require.InDelta(t, min(d.delay, run.total-a.at), a.took, float64(instant), "%+v", a)
	}
	return prober.probes
}

// Steps that begin at one instant race to put their layers on. A request meets
// them in step order all the same.
func TestParallelLayersInStepOrder(t *testing.T) {
	t.Parallel()
	slow := orchestrator.Scenario{Config: &injector.Config{Latency: &injector.Latency{FixedDelay: 10 * time.Millisecond}}}
	o := orchestrator.Orchestration{Name: "parallel", Parallel: true}
	for _, name := range []string{"d", "b", "c", "a"} {
		o.Steps = append(o.Steps, orchestrator.Step{Name: name, Duration: time.Second, Scenario: slow})
	}
	for range 10 {
		prober := &prober{every: 250 * time.Millisecond, length: time.Second}
		log := filepath.Join(t.TempDir(), "events.jsonl")
		chaostest.RunOrchestration(t, o, nil, chaostest.Setup(prober.setup), chaostest.EventLog(log))
		for _, q := range readRecord(t, log).requests {
			require.Equal(t, []string{"d", "b", "c", "a"}, q.steps)
		}
	}
}
