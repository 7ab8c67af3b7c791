package orchestrator_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// everything sets every field of every struct, each to a value of its own.
func everything() *orchestrator.Orchestration {
	on, off := new(true), new(false)
	load := func(rate float64) *orchestrator.Traffic {
		return &orchestrator.Traffic{Rate: rate, Target: "payments", Method: "POST", Path: "/orders?x=1&y=<2>",
			Headers: map[string]string{"X-Number": "1", "Accept": "a: b"}, Body: "{\"id\": 1}\n", Timeout: 1500 * time.Microsecond}
	}
	return &orchestrator.Orchestration{
		Name: "everything: on # earth", Description: "two\n\n  lines \n- and more\n", Tags: []string{"environment:staging", "12", "no", "null", "~", ""},
		Parallel: true, Loop: true, MaxIterations: 24, Seed: new(uint64(1<<64 - 1)),
		Scenarios: map[string]injector.Config{"slow db": {Enabled: on, Latency: &injector.Latency{
			Enabled: off, FixedDelay: 1, RandomDelayRange: [2]time.Duration{time.Millisecond, time.Hour + 1}, JitterPercent: 33.3, Probability: new(0.0),
			Sampling:     injector.Bernoulli,
			Schedule:     &injector.Schedule{Type: "window", From: 1, To: time.Second, Period: time.Minute},
			Distribution: &injector.Distribution{Type: "lognormal", Median: 20 * time.Millisecond, Sigma: 1e-12, Mean: 1, StdDev: 2, Min: 3, Max: 4},
		}}, "empty": {}},
		Targets: map[string]orchestrator.Target{"payments": {Upstream: "http://127.0.0.1:8080", Kind: orchestrator.HTTP}, "db": {Upstream: "localhost:5432", Kind: orchestrator.TCP}, "bare": {}},
		Load:    load(0.5),
		Expect:  []assert.Expectation{assert.MustParse("p99 <= 800ms"), assert.MustParse("all(error_rate <= 1%; not(max > 2s))")},
		StopConditions: []assert.Expectation{
			assert.Over(assert.MustParse("server.error_rate > 50%"), 30*time.Second)},
		Steps: []orchestrator.Step{
			{
				Name: "first", Duration: 400*time.Hour + 1, DelayBefore: 1, ContinueOnFailure: true, Keep: true, When: orchestrator.Always,
				Targets: []string{"payments", "db"}, Load: load(0), Expect: []assert.Expectation{assert.InjectedCount("http_error").AtLeast(3)},
				Scenario: orchestrator.Scenario{
					Name: "label", Description: "d", Duration: time.Nanosecond * 123456789, Tags: []string{},
					Start: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), End: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
					Config: &injector.Config{
						Enabled: off,
						FaultInjection: &injector.FaultInjection{
							Enabled: on, HTTPErrors: []int{}, HTTPErrorProbability: new(0.1),
							ConnectionErrors: off, ConnectionErrorProbability: new(1.0), ConnectionErrorKind: injector.TCPReset,
							TimeoutErrors: on, Timeout: new(time.Duration(0)), TimeoutProbability: new(0.25),
							PartialResponses: on, PartialResponseProbability: new(1e-9),
							PayloadCorruption: on, PayloadCorruptionProbability: new(0.5), CorruptionType: injector.BitFlip,
							ErrorPattern:  &injector.ErrorPattern{Type: "burst", Count: 3, Interval: time.Second, Probability: new(0.5), Sequence: []int{500, 200}},
							MockAIEnabled: true, Sampling: injector.Exact,
							RetryAfter: new(1500 * time.Millisecond), MaxActiveFaults: new(0), OverrideHeaders: true,
							Dribble:  &injector.Dribble{NumberOfChunks: 5, TotalDuration: time.Second + 1, Probability: new(0.0)},
							Rewrite:  &injector.Rewrite{Status: 418, SetHeaders: map[string]string{"X-A": "", "X-B": "a: b"}, RemoveHeaders: []string{"Server"}, Body: new(""), Probability: new(0.5)},
							Schedule: &injector.Schedule{Type: "ramp", Start: new(0.0), End: new(0.5)},
							RequestMatcher: &injector.RequestMatcher{
								SourceIPs: []string{"10.0.0.0/8", "::1"}, Headers: []injector.HeaderMatch{{Name: "X-A"}, {Name: "X-B", Value: new("")}, {Name: "X-C", Value: new("7")}},
								MinBodySize: new(int64(0)), MaxBodySize: new(int64(1 << 40)), ChunkedOnly: off,
								Methods: []string{"GET"}, Paths: []string{"/a/{id}/*"}, Hosts: []string{"*.example.com"},
							},
						},
						RateLimit:      &injector.RateLimit{Enabled: on, RequestsPerSecond: 0.1, BurstSize: 1, PerIP: true, PerEndpoint: true},
						TrafficShaping: &injector.TrafficShaping{Enabled: on, BandwidthLimit: 1 << 40, PacketLossPercent: 0.5, MaxConnections: 7, ConnectionTimeout: new(time.Duration(0)), Sampling: injector.Bernoulli},
						CircuitBreaker: &injector.CircuitBreaker{Enabled: on, FailureThreshold: 1, SuccessThreshold: 2, Timeout: 3, HalfOpenMaxRequests: 4, FailureRateThreshold: new(0.0), MinRequestsForRate: 6, RollingWindow: 7},
						Bulkhead:       &injector.Bulkhead{Enabled: on, MaxConcurrentRequests: 1, MaxQueueSize: new(0), QueueTimeout: new(time.Duration(0))},
						GRPC:           &injector.GRPC{Enabled: on, StatusCodes: []string{"UNAVAILABLE", "14"}, Probability: new(0.1), Message: "gone", Delay: new(time.Second), StreamInterruptionProbability: new(0.2), InterruptAfterMessages: [2]int{2, 7}, InterruptionStatus: "reset", Methods: []string{"/a.B/C", "/a.D/*"}, Exclude: []string{"health", "/a.B/D"}, Sampling: injector.Bernoulli},
						WebSocket: &injector.WebSocket{Enabled: on, CloseCodes: []int{1001}, Probability: new(0.1), MessageDropProbability: new(0.2), MessageCorruptionProbability: new(0.3),
							CloseReason: "see you", CloseAfterMessages: [2]int{2, 9}, MessageTruncationProbability: new(0.4), MessageDelay: new(1500 * time.Microsecond),
							MessageDelayProbability: new(0.5), Direction: injector.FromUpstream, ControlFrames: true, Paths: []string{"/chat/*"}, Sampling: injector.Bernoulli},
						GraphQL: &injector.GraphQL{Enabled: on, ErrorCodes: []string{"NOT_FOUND"}, Probability: new(0.1), Message: "no", PartialDataProbability: new(0.2),
							PartialDataPaths: []string{"user.orders", "items.*.price"}, ResolverLatency: off, ResolverDelay: new(1500 * time.Microsecond),
							Operations: []string{"Cart*"}, OperationTypes: []string{"query"}, Paths: []string{"/graphql"}, Sampling: injector.Bernoulli},
						TCP: &injector.TCP{Enabled: on, Toxics: []injector.Toxic{
							{Name: "slow", Type: injector.ToxicLatency, Stream: injector.Upstream, Toxicity: new(0.0), Per: injector.PerMessage, Protocol: "redis", Sampling: injector.Bernoulli,
								Attributes: injector.ToxicAttributes{Latency: 1, Jitter: time.Second + 1}},
							{Type: injector.ToxicBandwidth, Stream: injector.Downstream, Per: injector.PerConnection, Attributes: injector.ToxicAttributes{Rate: 1 << 30}},
							{Type: injector.ToxicLoss, Attributes: injector.ToxicAttributes{Percent: 0.5}},
							{Type: injector.ToxicSlowClose, Attributes: injector.ToxicAttributes{Delay: time.Millisecond + 1}},
							{Type: injector.ToxicSlicer, Toxicity: new(1.0), Attributes: injector.ToxicAttributes{AverageSize: 64, SizeVariation: 63, Delay: time.Microsecond + 1}},
							{Type: injector.ToxicTimeout}, {Type: injector.ToxicReset, Attributes: injector.ToxicAttributes{Timeout: time.Minute}}, {Type: injector.ToxicClose},
							{Type: injector.ToxicLimitData}, {Name: "later", Type: injector.ToxicLimitData, Attributes: injector.ToxicAttributes{Bytes: 1 << 40}},
							{Type: injector.ToxicRefuse}, {Type: injector.ToxicDown},
						}},
					},
				},
			},
			{Name: "second", Scenario: orchestrator.Scenario{Config: &injector.Config{}}},
			{Name: "third", Scenario: orchestrator.Scenario{Name: "slow db"}, When: orchestrator.OnFailure},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	documents := map[string]*orchestrator.Orchestration{
		"everything": everything(),
		"least":      {Name: "x", Steps: []orchestrator.Step{{Name: "a"}}},
		"endless":    {Name: "x", Loop: true, Steps: []orchestrator.Step{{Name: "a"}}},
		"empties": {Name: "x", Tags: []string{}, Scenarios: map[string]injector.Config{}, Targets: map[string]orchestrator.Target{},
			Expect: []assert.Expectation{}, Load: &orchestrator.Traffic{}, Seed: new(uint64(0)), Steps: []orchestrator.Step{{Name: "a"}}},
	}
	files, err := filepath.Glob("testdata/documented/*")
	require.NoError(t, err)
	for _, file := range files {
		if o, _, err := orchestrator.Load(file); err == nil {
			documents[filepath.Base(file)] = o
		}
	}
	require.Greater(t, len(documents), 14)
	for name, o := range documents {
		for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				t.Parallel()
				var b bytes.Buffer
				require.NoError(t, orchestrator.Encode(&b, o, format))
				again, _, err := orchestrator.Parse(b.Bytes(), format)
				require.NoError(t, err, b.String())
				require.Equal(t, o, again, b.String())
			})
		}
	}
}

// Every text comes back as it was, whatever it is made of: the YAML library's
// own choice of style loses some line breaks.
func TestAwkwardText(t *testing.T) {
	t.Parallel()
	letters := []rune("\n a-:#\t\"'|\r\u0085\u2028\ufeff\x00~é😀")
	var texts []string
	for _, a := range letters {
		for _, b := range letters {
			for _, c := range letters {
				texts = append(texts, string([]rune{a, b, c}), string([]rune{c, '\n', a, 'x', b}), string([]rune{'x', a, 'y', '\n', b, c}))
			}
		}
	}
	o := &orchestrator.Orchestration{Name: "x", Tags: texts, Steps: []orchestrator.Step{{Name: "a"}}}
	for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
		var b bytes.Buffer
		require.NoError(t, orchestrator.Encode(&b, o, format))
		again, _, err := orchestrator.Parse(b.Bytes(), format)
		require.NoError(t, err)
		for i, text := range texts {
			require.Equal(t, text, again.Tags[i])
		}
	}
}

// Only what was set is written, in the order of the documentation.
func TestEncodeGolden(t *testing.T) {
	t.Parallel()
	for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
		var b bytes.Buffer
		require.NoError(t, orchestrator.Encode(&b, everything(), format))
		golden(t, "testdata/encoded/everything."+string(format), b.Bytes())
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	o := &orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{{Name: "a"}, {Name: "b", Expect: []assert.Expectation{
		assert.Requests().AtLeast(1), assert.Not(assert.Func("stock", func(assert.Results) error { return nil }))}}}}
	var b bytes.Buffer
	err := orchestrator.Encode(&b, o, orchestrator.YAML)
	require.ErrorContains(t, err, "encode orchestration: steps[1].expect[1]: ")
	require.ErrorContains(t, err, "assert.Func")
	require.Zero(t, b.Len(), "nothing is written")

	err = orchestrator.Encode(&b, &orchestrator.Orchestration{Name: "x"}, orchestrator.JSON)
	require.EqualError(t, err, "encode orchestration: steps is missing")
	require.ErrorContains(t, orchestrator.Encode(&b, o, "xml"), "unknown format")
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
		var b bytes.Buffer
		require.NoError(t, orchestrator.Template(&b, format))
		o, warnings, err := orchestrator.Parse(b.Bytes(), format)
		require.NoError(t, err)
		require.Empty(t, warnings)
		total, _ := o.TotalDuration()
		require.Equal(t, 135*time.Second, total, "the documented timetable")
		require.Positive(t, o.Load.Rate, "it runs without a test")
	}
	require.ErrorContains(t, orchestrator.Template(&bytes.Buffer{}, "toml"), "unknown format")
}

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file; -update writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
