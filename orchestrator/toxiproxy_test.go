package orchestrator_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// imported reads a toxiproxy config that is valid, and says what it is as YAML.
func imported(t *testing.T, text string, d time.Duration) (document string, warnings []string) {
	t.Helper()
	o, found, err := orchestrator.FromToxiproxy([]byte(text), d)
	require.NoError(t, err)
	for _, w := range found {
		require.Equal(t, orchestrator.NoEffect, w.Rule)
		warnings = append(warnings, w.String())
	}
	var b bytes.Buffer
	require.NoError(t, orchestrator.Encode(&b, o, orchestrator.YAML))
	again, more, err := orchestrator.Parse(b.Bytes(), orchestrator.YAML)
	require.NoError(t, err)
	require.Empty(t, more, "it gives no warnings")
	require.Equal(t, o, again)
	return b.String(), warnings
}

func TestFromToxiproxy(t *testing.T) {
	t.Parallel()
	document, warnings := imported(t, `[
  {"name": "web", "listen": "127.0.0.1:18080", "upstream": "localhost:8080"},
  {"name": "redis", "listen": "[::]:16379", "upstream": "localhost:6379", "enabled": true, "toxics": [
    {"name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1, "attributes": {"latency": 1000, "jitter": 100}},
    {"name": "cut", "type": "limit_data", "stream": "upstream", "toxicity": 0.5, "attributes": {"bytes": 0}},
    {"type": "slicer", "attributes": {"average_size": 64, "size_variation": 32, "delay": 10}}]},
  {"name": "postgres", "upstream": "db:5432", "enabled": false}
]`, 5*time.Minute)
	require.Empty(t, warnings)
	require.Equal(t, `name: toxiproxy
description: |
  From a toxiproxy config. The server for it:
  mockforge serve --chaos --target web=tcp://localhost:8080,port=18080 --target redis=tcp://localhost:6379,port=16379 --target postgres=tcp://db:5432,port=N
steps:
  - name: redis
    scenario:
      config:
        tcp:
          toxics:
            - type: latency
              stream: downstream
              toxicity: 1
              attributes:
                latency: 1000
                jitter: 100
            - name: cut
              type: limit_data
              stream: upstream
              toxicity: 0.5
              attributes:
                bytes: 0
            - type: slicer
              attributes:
                delay: 10
                average_size: 64
                size_variation: 32
    duration_seconds: 300
    targets:
      - redis
  - name: postgres
    scenario:
      config:
        tcp:
          toxics:
            - type: down
    duration_seconds: 300
    targets:
      - postgres
parallel: true
targets:
  postgres:
    upstream: db:5432
    kind: tcp
  redis:
    upstream: localhost:6379
    kind: tcp
  web:
    upstream: localhost:8080
    kind: tcp
`, document)
}

// What GET /proxies answers is understood too; proxies with the same toxics
// share a step, and one step needs no name of its own.
func TestFromToxiproxyAPI(t *testing.T) {
	t.Parallel()
	toxic := `"toxics": [{"attributes": {"timeout": 30}, "name": "t", "type": "timeout", "stream": "upstream", "toxicity": 0.25}, {"type": "reset_peer", "attributes": {"timeout": 0}}, {"type": "slow_close", "attributes": {"delay": 7}}, {"type": "bandwidth", "attributes": {"rate": 3}}]`
	o, warnings, err := orchestrator.FromToxiproxy([]byte(`{"a": {"name": "a", "listen": "127.0.0.1:1", "upstream": "h:1", "enabled": true, "Logger": {"x": 1}, `+toxic+`}, "b": {"name": "b", "upstream": "h:2", `+toxic+`}}`), 0)
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Len(t, o.Steps, 1)
	step := o.Steps[0]
	require.Equal(t, "toxics", step.Name)
	require.Equal(t, []string{"a", "b"}, step.Targets)
	require.Equal(t, time.Minute, step.Duration)
	require.False(t, o.Parallel)
	ms := time.Millisecond
	require.Equal(t, []injector.Toxic{
		{Name: "t", Type: injector.ToxicTimeout, Stream: injector.Upstream, Toxicity: new(0.25), Attributes: injector.ToxicAttributes{Timeout: 30 * ms}},
		{Type: injector.ToxicReset}, {Type: injector.ToxicSlowClose, Attributes: injector.ToxicAttributes{Delay: 7 * ms}},
		{Type: injector.ToxicBandwidth, Attributes: injector.ToxicAttributes{Rate: 3}},
	}, step.Scenario.Config.TCP.Toxics)
}

func TestFromToxiproxyWarnings(t *testing.T) {
	t.Parallel()
	document, warnings := imported(t, `[{"name": "a", "upstream": "h:1", "enabled": false, "toxics": [{"type": "noop"}, {"type": "latency"}, {"type": "timeout", "toxicity": 0}, {"type": "reset_peer"}]},
 {"name": "b", "upstream": "h:2", "toxics": [{"type": "slicer"}, {"type": "slow_close", "attributes": {"delay": 0}}]}]`, 0)
	require.Equal(t, []string{
		"1:53: [0].toxics: are left out: the proxy is disabled, which makes it down",
		"1:64: [0].toxics[0]: does nothing: left out",
		"1:82: [0].toxics[1]: does nothing: left out",
		"1:103: [0].toxics[2]: does nothing: left out",
		"2:46: [1].toxics[0]: does nothing: left out",
		"2:66: [1].toxics[1]: does nothing: left out",
	}, warnings)
	require.Contains(t, document, "type: down")
	require.NotContains(t, document, "reset_peer")

	document, _ = imported(t, `[{"name": "a", "upstream": "h:1"}]`, 0)
	require.Contains(t, document, "steps:\n  - name: toxics\n    duration_seconds: 60\n", "a quiet step, so that the document runs")
}

// Attributes that are not there are 0, and a rate of 0 lets nothing through.
func TestFromToxiproxyZeros(t *testing.T) {
	t.Parallel()
	document, warnings := imported(t, `[{"name": "a", "upstream": "h:1", "toxics": [{"type": "limit_data", "stream": "upstream"}, {"type": "bandwidth"}, {"type": "timeout"}, {"name": "still", "type": "bandwidth", "attributes": {"rate": 0}}]}]`, 0)
	require.Empty(t, warnings)
	require.Contains(t, document, `
            - type: limit_data
              stream: upstream
              attributes:
                bytes: 0
            - name: bandwidth_downstream
              type: timeout
            - type: timeout
            - name: still
              type: timeout
`)
}

func TestFromToxiproxyProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{"1:1: not a toxiproxy config: it is a list of proxies, each with name, listen and upstream"}},
		{"[]", []string{"1:1: has no proxies"}},
		{`"x"`, []string{"1:1: not a toxiproxy config: it is a list of proxies, each with name, listen and upstream"}},
		{"[{]", []string{"1:3: not JSON: invalid character ']' looking for beginning of object key st…"}},
		{strings.Repeat("[", 50) + strings.Repeat("]", 50), []string{"1:34: nested more than 32 levels deep"}},
		{"[" + strings.Repeat(" ", 1<<20) + "]", []string{"1:1: larger than 1048576 bytes"}},
		{`[{"name": "a", "upstreem": "h:1"}, {"upstream": 3}]`, []string{
			"1:2: [0]: upstream is missing",
			`1:16: [0].upstreem: unknown field; did you mean "upstream"?`,
			"1:36: [1]: name is missing",
			"1:49: [1].upstream: must be text, not the number 3: put it in quotes"}},
		{`[{"name": "a", "upstream": "h"}, {"name": "a", "upstream": "h:70000"}]`, []string{
			`1:28: [0].upstream: "h" is not host:port`,
			`1:43: [1].name: "a" is also the name of [0]`,
			`1:60: [1].upstream: "h:70000" is not host:port`}},
		{`[{"name": "a", "upstream": "h:1", "toxics": [{"type": "latncy"}, {"stream": "down"}, {"type": "latency", "toxicity": 2}, {"type": "bandwidth", "attributes": {"rate": -1}}]}]`, []string{
			`1:55: [0].toxics[0].type: must be latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data or noop, not the text "latncy"; did you mean "latency"?`,
			`1:66: [0].toxics[1]: type is missing`,
			`1:77: [0].toxics[1].stream: must be upstream or downstream, not the text "down"; did you mean "downstream"?`,
			`1:118: [0].toxics[2].toxicity: 2 is out of range: must be 0 to 1`,
			`1:167: [0].toxics[3].attributes.rate: -1 is out of range: must be 0 or more`}},
		{`[{"name": "a", "upstream": "h:1", "toxics": [{"type": "timeout"}, {"type": "timeout"}, {"type": "slicer", "attributes": {"average_size": 4, "size_variation": 4}}, {"type": "timeout", "name": "x", "attributes": {"latency": 4}}]}]`, []string{
			`1:67: [0].toxics[1]: "timeout_downstream" is also the name of toxics[0]`,
			`1:159: [0].toxics[2].attributes.size_variation: is not below average_size`,
			`1:223: [0].toxics[3].attributes.latency: is not an attribute of type timeout: it has timeout`}},
		{`[{"name": "a", "upstream": "h:1", "toxics": [{"type": "timeout", "name": "a\nb"}]}]`, []string{
			`1:74: [0].toxics[0].name: "a\nb" is blank or has unprintable characters`}},
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			_, _, err := orchestrator.FromToxiproxy([]byte(tt.text), 0)
			require.Equal(t, tt.want, problems(t, err), "%.200s", tt.text)
		})
	}
}

// FuzzFromToxiproxy holds for any input: no panic, problems with positions, and
// what is made is valid and round-trips.
func FuzzFromToxiproxy(f *testing.F) {
	f.Add([]byte(`[{"name": "a", "listen": "[::]:1", "upstream": "h:1", "enabled": false, "toxics": [{"type": "slicer", "stream": "upstream", "toxicity": 0.5, "attributes": {"average_size": 3, "size_variation": 2, "delay": 0.5}}]}]`))
	f.Add([]byte(`{"a": {"name": "a", "upstream": "h:1", "toxics": [{"type": "limit_data", "attributes": {"bytes": 0}}]}, "a": null}`))
	f.Add([]byte(`[{"name": "a", "upstream": "h:1"}, {"name": "b", "upstream": "h:1", "toxics": null}, 3]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, warnings, err := orchestrator.FromToxiproxy(data, 0)
		all := warnings
		if err != nil {
			var invalid *orchestrator.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.NotEmpty(t, invalid.Problems)
			all = append(all, invalid.Problems...)
		}
		for _, p := range all {
			require.GreaterOrEqual(t, p.Line, 1, p)
			require.GreaterOrEqual(t, p.Column, 1, p)
			require.NotContains(t, p.String(), "\n")
		}
		if err == nil {
			checkRoundTrip(t, o)
		}
	})
}
