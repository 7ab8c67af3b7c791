package orchestrator_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestResolveScenario(t *testing.T) {
	t.Parallel()
	slow := injector.Config{Latency: &injector.Latency{FixedDelay: time.Millisecond}}
	own := injector.Config{Bulkhead: &injector.Bulkhead{}}
	document := &orchestrator.Orchestration{Scenarios: map[string]injector.Config{"mine": own, "slow_backend": own}}
	preset, ok := injector.Preset("peak_traffic")
	require.True(t, ok)
	profile, ok := injector.Preset("dialup")
	require.True(t, ok)
	off := injector.Config{Enabled: new(false)}
	tests := []struct {
		name     string
		scenario orchestrator.Scenario
		want     injector.Config
		quiet    bool
		length   time.Duration // of a step that does not say one
		err      string
	}{
		{name: "nothing", quiet: true},
		{name: "a preset", scenario: orchestrator.Scenario{Name: "peak_traffic"}, want: preset.Config, length: time.Minute},
		{name: "a profile", scenario: orchestrator.Scenario{Name: "dialup"}, want: profile.Config, length: time.Minute},
		{name: "one of the document's", scenario: orchestrator.Scenario{Name: "mine"}, want: own, length: time.Minute},
		{name: "the document's before a preset", scenario: orchestrator.Scenario{Name: "slow_backend"}, want: own, length: time.Minute},
		{name: "a config with a section beats the name", scenario: orchestrator.Scenario{Name: "peak_traffic", Config: &slow}, want: slow, length: time.Minute},
		{name: "a label that is no scenario", scenario: orchestrator.Scenario{Name: "whatever", Config: &slow}, want: slow, length: time.Minute},
		{name: "an empty config leaves the name in force", scenario: orchestrator.Scenario{Name: "peak_traffic", Config: &injector.Config{}}, want: preset.Config, length: time.Minute},
		{name: "so does enabled: true alone", scenario: orchestrator.Scenario{Name: "peak_traffic", Config: &injector.Config{Enabled: new(true)}}, want: preset.Config, length: time.Minute},
		{name: "enabled: false beats the name", scenario: orchestrator.Scenario{Name: "peak_traffic", Config: &off}, want: off, quiet: true},
		{name: "and needs none", scenario: orchestrator.Scenario{Name: "whatever", Config: &off}, want: off, quiet: true},
		{name: "an empty config without a name", scenario: orchestrator.Scenario{Config: &injector.Config{Enabled: new(true)}}, quiet: true},
		{name: "a section in which nothing acts", scenario: orchestrator.Scenario{Config: &injector.Config{Latency: &injector.Latency{}}},
			want: injector.Config{Latency: &injector.Latency{}}, quiet: true},
		{name: "a duration of its own", scenario: orchestrator.Scenario{Name: "mine", Duration: 7 * time.Second}, want: own, length: 7 * time.Second},
		{name: "a quiet duration", scenario: orchestrator.Scenario{Duration: 7 * time.Second}, quiet: true, length: 7 * time.Second},
		{name: "unknown", scenario: orchestrator.Scenario{Name: "mime"}, quiet: true,
			err: `no preset, network profile or scenario of this document is named "mime", and there is no config with a section to say what it does; did you mean "mine"?`},
		{name: "unknown with an empty config", scenario: orchestrator.Scenario{Name: "unheard_of", Config: &injector.Config{}}, quiet: true,
			err: `no preset, network profile or scenario of this document is named "unheard_of", and there is no config with a section to say what it does`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			step := orchestrator.Step{Scenario: tt.scenario}
			got, quiet, err := document.ResolveScenario(step)
			require.Equal(t, tt.quiet, quiet)
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			for _, own := range []time.Duration{0, time.Hour} {
				step.Duration = own
				o := *document
				o.Steps = []orchestrator.Step{step}
				want := tt.length
				if own != 0 {
					want = own
				}
				require.Equal(t, want, o.StepDuration(0))
			}
		})
	}
}

func TestTimetable(t *testing.T) {
	t.Parallel()
	o := &orchestrator.Orchestration{Steps: []orchestrator.Step{
		{Name: "a", Duration: 10 * time.Second, DelayBefore: time.Second},
		{Name: "b", Duration: 5 * time.Second, DelayBefore: 2 * time.Second},
		{Name: "c"},
	}}
	second := func(from, to int) orchestrator.Span {
		return orchestrator.Span{Start: time.Duration(from) * time.Second, End: time.Duration(to) * time.Second}
	}
	require.Equal(t, []orchestrator.Span{second(1, 11), second(13, 18), second(18, 18)}, o.Timetable())
	require.Equal(t, 18*time.Second, o.IterationDuration())

	o.Parallel = true
	require.Equal(t, []orchestrator.Span{second(1, 11), second(2, 7), second(0, 0)}, o.Timetable(), "each delay counts from the start")
	require.Equal(t, 11*time.Second, o.IterationDuration())

	total := func() (time.Duration, bool) { return o.TotalDuration() }
	d, endless := total()
	require.Equal(t, 11*time.Second, d)
	require.False(t, endless)
	o.MaxIterations = 5
	d, _ = total()
	require.Equal(t, 11*time.Second, d, "ignored without a loop")
	o.Loop = true
	d, _ = total()
	require.Equal(t, 55*time.Second, d)
	o.MaxIterations = math.MaxInt
	d, endless = total()
	require.Equal(t, time.Duration(math.MaxInt64), d, "no overflow")
	require.False(t, endless)
	o.MaxIterations = 0
	d, endless = total()
	require.Equal(t, 11*time.Second, d)
	require.True(t, endless)
}
