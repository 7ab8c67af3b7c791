package chaostest_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const documented = "../orchestrator/testdata/documented"

// A kilobyte takes a visible time where bandwidth is limited.
var upstreamSays = strings.Repeat("x", 1000)

// A phase is a step in force.
type phase struct {
	step     string
	from, to float64 // seconds since the run's start
	effect   effect  // the zero one: a quiet step
}

// Every YAML and JSON block of the documentation, by its line there. What loads
// runs in virtual time, with a client that asks four times a second from the
// first instant to the last: the layers go on and off when the document says,
// each does what it is documented to do, and nothing happens between them.
//
// What loads how is the matter of the orchestrator's own table.
func TestDocumentedBlocksInForce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file    string
		why     string
		refused bool   // it does not load
		prefix  string // put before the block
		lines   int    // how many of its lines; 0: all
		phases  []phase
		loops   int // 0: the phases are all
		total   float64
		every   time.Duration // between requests. Default: 250 ms
		floods  []flood
		timeout time.Duration
		queue   bool
		seed    uint64 // 0: the usual one
	}{
		{file: "l050.yaml", why: "steps in short form", total: 360, phases: []phase{
			{step: "warmup", from: 0, to: 60}, {step: "normal_load", from: 60, to: 180},
			{step: "peak_load", from: 180, to: 300}, {step: "chaos_injection", from: 300, to: 360}}},
		{file: "l088.yaml", why: "the quick start", total: 135, phases: []phase{
			{"baseline", 0, 30, delayed(50 * time.Millisecond)},
			{"moderate_stress", 35, 95, failing(0.1, 500, 502, 503, 504)},
			{"peak_chaos", 105, 135, cascadingFailure()}},
			floods: []flood{exceeding(at(32), 50), exceeding(at(110), 10)}},
		{file: "l160.yaml", why: "placeholders", refused: true},
		{file: "l184.json", total: 60, phases: []phase{{"step1", 0, 60, delayed(100 * time.Millisecond)}}},
		{file: "l283.json", why: "a reply", refused: true},
		{file: "l303.json", why: "a reply", refused: true},
		{file: "l316.json", why: "a reply", refused: true},
		{file: "l331.json", why: "a reply", refused: true},
		{file: "l343.yaml", total: 420, phases: []phase{
			{"baseline", 0, 60, delayed(10 * time.Millisecond)}, {"light_load", 60, 180, limiting(100)},
			{"medium_load", 180, 300, limiting(500)}, {"heavy_load", 300, 420, limiting(1000)}},
			floods: []flood{exceeding(at(30), 1000), exceeding(at(100), 100), exceeding(at(200), 500), exceeding(at(400), 1000)}},
		{file: "l384.yaml", why: "presets by name", total: 140, phases: []phase{
			{"network_degradation", 0, 30, networkDegradation()},
			{"add_errors", 40, 70, serviceInstability()},
			{"full_chaos", 80, 140, cascadingFailure()}},
			floods: []flood{exceeding(at(35), 100), exceeding(at(100), 10)}},
		{file: "l412.yaml", total: 150, phases: []phase{
			{"normal_traffic", 0, 60, limiting(100)}, {"spike", 60, 90, limiting(1000)}, {"recovery", 90, 150, limiting(100)}},
			floods: []flood{exceeding(at(30), 100), exceeding(at(70), 1000), exceeding(at(120), 100)}},
		{file: "l443.yaml", why: "24 hours, a request every 36 seconds", loops: 24, total: 86_400, every: 36 * time.Second, phases: []phase{
			{"normal_operations", 0, 3600, effect{[]string{"http_error", "latency"}, func(t *testing.T, s seen) {
				s.exactly(t, "latency", 1, 1)
				s.within(t, "latency", 50*time.Millisecond, 50*time.Millisecond)
				s.exactly(t, "http_error", 0.01, 1)
			}}}}},
		{file: "l465.yaml", why: "in parallel; comments alone are no config", total: 60, phases: []phase{
			{"http_chaos", 0, 60, failing(0.2, 500, 503)}, {step: "grpc_chaos"}, {step: "websocket_chaos"}}},
		{file: "l495.yaml", why: "two documents", refused: true},
		{file: "l495.yaml", why: "the first of two documents", lines: 7, total: 60, phases: []phase{
			{step: "low_latency", from: 0, to: 30}, {step: "high_latency", from: 30, to: 60}}},
		{file: "l511.yaml", why: "two documents", refused: true},
		{file: "l527.yaml", why: "no name", refused: true},
		{file: "l527.yaml", prefix: "name: x\n", total: 480, phases: []phase{
			{step: "cache_warmup", from: 0, to: 60}, {step: "steady_state", from: 60, to: 360}, {step: "chaos_injection", from: 360, to: 480}}},
		{file: "l542.yaml", why: "no name", refused: true},
		{file: "l542.yaml", why: "quiet and of no length", prefix: "name: x\n", phases: []phase{
			{step: "critical_setup"}, {step: "optional_chaos"}, {step: "cleanup"}}},
		{file: "l556.yaml", why: "no name", refused: true},
		{file: "l556.yaml", prefix: "name: x\n", total: 220, phases: []phase{
			{step: "normal_operation", from: 0, to: 60}, {step: "introduce_latency", from: 70, to: 130}, {step: "add_errors", from: 160, to: 220}}},
		{file: "l572.yaml", why: "tags alone", refused: true},
		{file: "l590.yaml", why: "a description alone", refused: true},
		{file: "l610.yaml", total: 440, phases: []phase{
			{"warmup", 0, 30, delayed(10 * time.Millisecond)}, {"normal_load", 40, 160, limiting(100)},
			{"peak_load", 170, 290, slowAndLimited(100*time.Millisecond, 500)}, {"chaos_injection", 300, 360, cascadingFailure()},
			{step: "recovery", from: 380, to: 440}},
			floods: []flood{exceeding(at(35), 100), exceeding(at(100), 100), exceeding(at(165), 500), exceeding(at(200), 500),
				exceeding(at(295), 500), exceeding(at(320), 10), exceeding(at(370), 100), exceeding(at(400), 100)}},
		{file: "l681.yaml", why: "loss as TCP shows it: stalls, and at 100 % silence", total: 220, timeout: 3 * time.Second, phases: []phase{
			{step: "normal_operation", from: 0, to: 60}, {"partition_starts", 65, 95, lossy(0.5)},
			{"full_partition", 95, 115, partition()}, {"partition_heals", 120, 150, lossy(0.25)},
			{step: "recovery", from: 160, to: 220}}},
		{file: "l733.yaml", total: 240, phases: []phase{
			{"region_a_degrades", 0, 60, delayed(200 * time.Millisecond)}, {"region_b_fails", 60, 120, failing(0.9, 503)},
			{"both_regions_degraded", 120, 240, cascadingFailure()}},
			floods: []flood{exceeding(at(150), 10)}},
		{file: "l809.yaml", why: "two settings alone", refused: true},
		{file: "l831.yaml", why: "a workflow", refused: true},
		{file: "l886.yaml", why: "no name", refused: true},
		{file: "l886.yaml", why: "a seed with which the breaker opens", prefix: "name: x\n", total: 60, seed: 14, queue: true, phases: []phase{
			{"custom_scenario", 0, 60, custom()}},
			floods: []flood{{at: at(0.02), n: 70}}},
	}
	covered := map[string]bool{}
	for _, tt := range tests {
		covered[tt.file] = true
		t.Run(strings.TrimSpace(tt.file+" "+tt.why), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(documented, tt.file)
			if tt.prefix != "" || tt.lines > 0 {
				path = part(t, path, tt.prefix, tt.lines)
			}
			if tt.refused {
				_, _, err := orchestrator.Load(path)
				require.Error(t, err)
				return
			}
			prober := &prober{every: 250 * time.Millisecond, floods: tt.floods, timeout: tt.timeout, length: at(tt.total)}
			if tt.every > 0 {
				prober.every = tt.every
			}
			log := filepath.Join(t.TempDir(), "events.jsonl")
			options := []chaostest.Option{
				chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, upstreamSays) })),
				chaostest.Setup(prober.setup), chaostest.EventLog(log),
			}
			if tt.seed != 0 {
				options = append(options, chaostest.Seed(tt.seed))
			}
			var bodies bodies
			chaostest.Run(t, path, bodies.body, options...)

			run := readRecord(t, log)
			require.Equal(t, "completed", run.state)
			require.InDelta(t, at(tt.total), run.total, float64(instant))
			turns := turnsOf(tt.phases, max(1, tt.loops))
			bodies.check(t, run, turns)
			during := sortOut(t, run, turns, prober.probes)
			for i, p := range turns {
				s := seen{at(p.from), at(p.to), run.total, tt.timeout, tt.queue, during[i]}
				s.inspect(t, p.step, p.effect)
			}
			seen{over: run.total, arrivals: during[between]}.inspect(t, "", effect{})
		})
	}
	files, err := filepath.Glob(documented + "/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		require.True(t, covered[filepath.Base(file)], "%s has no row", file)
	}
}
