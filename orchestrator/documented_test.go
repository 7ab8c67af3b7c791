package orchestrator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// The files of testdata/documented are the YAML and JSON blocks of the
// documentation that users have read, word for word, named after the line on
// which each stands.
func TestDocumentedBlocks(t *testing.T) {
	t.Parallel()
	const quiet = true
	type step struct {
		name     string
		from, to float64 // seconds
		quiet    bool
	}
	separate := "; if a second orchestration begins here, separate two documents with --- and keep each in a file of its own"
	tests := []struct {
		file     string
		why      string
		prefix   string // put before the block
		lines    int    // how many of its lines; 0: all
		steps    []step
		total    time.Duration // of all iterations; 0: the last step's end
		problems []string
	}{
		{file: "l050.yaml", why: "steps in short form are quiet", steps: []step{
			{"warmup", 0, 60, quiet}, {"normal_load", 60, 180, quiet}, {"peak_load", 180, 300, quiet}, {"chaos_injection", 300, 360, quiet}}},
		{file: "l088.yaml", steps: []step{
			{"baseline", 0, 30, false}, {"moderate_stress", 35, 95, false}, {"peak_chaos", 105, 135, false}}},
		{file: "l160.yaml", why: "the placeholders of the format's description", problems: []string{
			`10:13: steps[0].scenario.name: no preset, network profile or scenario of this document is named "string", and there is no config with a section to say what it does`,
			`12:23: steps[0].duration_seconds: must be a number of seconds, not the text "number"`,
			`13:27: steps[0].delay_before_seconds: must be a number of seconds, not the text "number"`,
			`14:26: steps[0].continue_on_failure: must be true or false, not the text "bool"`,
			`17:11: parallel: must be true or false, not the text "bool"`,
			`18:21: loop_orchestration: must be true or false, not the text "bool"`,
			`19:17: max_iterations: must be a whole number, not the text "number"`}},
		{file: "l184.json", steps: []step{{"step1", 0, 60, false}}},
		{file: "l283.json", why: "a reply of the API", problems: []string{"1:1: name is missing", "1:1: steps is missing", "2:3: message: unknown field"}},
		{file: "l303.json", why: "a reply of the API", problems: []string{"1:1: name is missing", "1:1: steps is missing", "2:3: message: unknown field"}},
		{file: "l316.json", why: "a reply of the API", problems: []string{"1:1: steps is missing", "2:3: is_running: unknown field", "4:3: progress: unknown field"}},
		{file: "l331.json", why: "a reply of the API", problems: []string{"1:1: name is missing", "1:1: steps is missing", "2:3: message: unknown field"}},
		{file: "l343.yaml", steps: []step{
			{"baseline", 0, 60, false}, {"light_load", 60, 180, false}, {"medium_load", 180, 300, false}, {"heavy_load", 300, 420, false}}},
		{file: "l384.yaml", why: "names alone", steps: []step{
			{"network_degradation", 0, 30, false}, {"add_errors", 40, 70, false}, {"full_chaos", 80, 140, false}}},
		{file: "l412.yaml", steps: []step{{"normal_traffic", 0, 60, false}, {"spike", 60, 90, false}, {"recovery", 90, 150, false}}},
		{file: "l443.yaml", steps: []step{{"normal_operations", 0, 3600, false}}, total: 24 * time.Hour},
		{file: "l465.yaml", why: "a config of comments is null: quiet", steps: []step{
			{"http_chaos", 0, 60, false}, {"grpc_chaos", 0, 0, quiet}, {"websocket_chaos", 0, 0, quiet}}, total: time.Minute},
		{file: "l495.yaml", why: "two orchestrations in one file", problems: []string{
			"10:1: name: duplicate key, first on line 2" + separate, "11:1: steps: duplicate key, first on line 3" + separate}},
		{file: "l495.yaml", why: "its first half", lines: 7, steps: []step{{"low_latency", 0, 30, quiet}, {"high_latency", 30, 60, quiet}}},
		{file: "l511.yaml", problems: []string{"2:1: name is missing", "8:1: steps: duplicate key, first on line 2" + separate}},
		{file: "l527.yaml", problems: []string{"2:1: name is missing"}},
		{file: "l527.yaml", prefix: "name: x\n", steps: []step{
			{"cache_warmup", 0, 60, quiet}, {"steady_state", 60, 360, quiet}, {"chaos_injection", 360, 480, quiet}}},
		{file: "l542.yaml", problems: []string{"1:1: name is missing"}},
		{file: "l542.yaml", prefix: "name: x\n", steps: []step{{"critical_setup", 0, 0, quiet}, {"optional_chaos", 0, 0, quiet}, {"cleanup", 0, 0, quiet}}},
		{file: "l556.yaml", problems: []string{"1:1: name is missing"}},
		{file: "l556.yaml", prefix: "name: x\n", steps: []step{
			{"normal_operation", 0, 60, quiet}, {"introduce_latency", 70, 130, quiet}, {"add_errors", 160, 220, quiet}}},
		{file: "l572.yaml", problems: []string{"1:1: name is missing", "1:1: steps is missing"}},
		{file: "l590.yaml", problems: []string{"1:1: name is missing", "1:1: steps is missing"}},
		{file: "l610.yaml", steps: []step{
			{"warmup", 0, 30, false}, {"normal_load", 40, 160, false}, {"peak_load", 170, 290, false}, {"chaos_injection", 300, 360, false}, {"recovery", 380, 440, quiet}}},
		{file: "l681.yaml", steps: []step{
			{"normal_operation", 0, 60, quiet}, {"partition_starts", 65, 95, false}, {"full_partition", 95, 115, false}, {"partition_heals", 120, 150, false}, {"recovery", 160, 220, quiet}}},
		{file: "l733.yaml", steps: []step{
			{"region_a_degrades", 0, 60, false}, {"region_b_fails", 60, 120, false}, {"both_regions_degraded", 120, 240, false}}},
		{file: "l809.yaml", problems: []string{"1:1: name is missing", "1:1: steps is missing"}},
		{file: "l831.yaml", why: "a workflow, not an orchestration", problems: []string{
			"2:1: steps is missing", "3:1: on: unknown field", "4:1: jobs: unknown field"}},
		{file: "l886.yaml", problems: []string{"1:1: name is missing"}},
		{file: "l886.yaml", prefix: "name: x\n", why: "60 s for what injects something", steps: []step{{"custom_scenario", 0, 60, false}}},
	}
	covered := map[string]bool{}
	for _, tt := range tests {
		covered[tt.file] = true
		t.Run(tt.file+" "+tt.why, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata/documented", tt.file))
			require.NoError(t, err)
			text := string(data)
			if tt.lines > 0 {
				text = strings.Join(strings.SplitAfter(text, "\n")[:tt.lines], "")
			}
			o, _, err := orchestrator.Parse([]byte(tt.prefix+text), orchestrator.FormatOf(tt.file))
			if tt.problems != nil {
				require.Equal(t, tt.problems, problems(t, err))
				return
			}
			require.NoError(t, err)
			var got []step
			for i, span := range o.Timetable() {
				_, quiet, err := o.ResolveScenario(o.Steps[i])
				require.NoError(t, err)
				require.Equal(t, span.Duration(), o.StepDuration(i))
				got = append(got, step{o.Steps[i].Name, span.Start.Seconds(), span.End.Seconds(), quiet})
			}
			require.Equal(t, tt.steps, got)
			want := tt.total
			if want == 0 {
				want = time.Duration(tt.steps[len(tt.steps)-1].to) * time.Second
			}
			total, endless := o.TotalDuration()
			require.False(t, endless)
			require.Equal(t, want, total)
		})
	}
	files, err := filepath.Glob("testdata/documented/*")
	require.NoError(t, err)
	for _, file := range files {
		require.True(t, covered[filepath.Base(file)], "%s has no row", file)
	}
}

// What the documented faults are, where the timetable alone would not notice.
func TestDocumentedFaults(t *testing.T) {
	t.Parallel()
	quickStart := load(t, "testdata/documented/l088.yaml")
	baseline, _, err := quickStart.ResolveScenario(quickStart.Steps[0])
	require.NoError(t, err)
	require.Equal(t, 50*time.Millisecond, baseline.Latency.FixedDelay, "the config, not the preset of that name")
	require.Nil(t, baseline.TrafficShaping)
	stress, _, err := quickStart.ResolveScenario(quickStart.Steps[1])
	require.NoError(t, err)
	require.InDelta(t, 0.1, *stress.FaultInjection.HTTPErrorProbability, 0)
	require.Nil(t, stress.FaultInjection.TimeoutErrors)
	peak, _, err := quickStart.ResolveScenario(quickStart.Steps[2])
	require.NoError(t, err)
	require.InDelta(t, 0.3, *peak.FaultInjection.HTTPErrorProbability, 0, "enabled: true alone leaves the preset in force")
	require.NotNil(t, peak.RateLimit)

	partition := load(t, "testdata/documented/l681.yaml")
	off, quiet, err := partition.ResolveScenario(partition.Steps[0])
	require.NoError(t, err)
	require.True(t, quiet)
	require.True(t, off.Disabled())
}

// load reads a document that must be valid.
func load(t *testing.T, path string) *orchestrator.Orchestration {
	t.Helper()
	o, _, err := orchestrator.Load(path)
	require.NoError(t, err)
	return o
}

// parse reads YAML that must be valid.
func parse(t *testing.T, text string) (*orchestrator.Orchestration, []orchestrator.Problem) {
	t.Helper()
	o, warnings, err := orchestrator.Parse([]byte(text), orchestrator.YAML)
	require.NoError(t, err)
	return o, warnings
}

// problems are the lines of an *InvalidError.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var invalid *orchestrator.InvalidError
	require.ErrorAs(t, err, &invalid)
	var lines []string
	for _, p := range invalid.Problems {
		lines = append(lines, p.String())
	}
	require.Equal(t, strings.Join(lines, "\n"), err.Error())
	return lines
}
