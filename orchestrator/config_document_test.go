package orchestrator_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestConfigsByThemselves(t *testing.T) {
	t.Parallel()
	for _, n := range injector.Presets() {
		for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
			var b bytes.Buffer
			require.NoError(t, orchestrator.EncodeConfig(&b, n.Config, format))
			c, warnings, err := orchestrator.ParseConfig(b.Bytes(), format)
			require.NoError(t, err)
			require.Empty(t, warnings)
			require.Equal(t, n.Config, c, "%s as %s", n.Name, format)

			p := orchestrator.Profile{Name: n.Name, Description: n.Description, Tags: n.Tags, Builtin: true, Config: n.Config}
			b.Reset()
			require.NoError(t, orchestrator.EncodeProfile(&b, p, format))
			read, _, err := orchestrator.ParseProfile(b.Bytes(), format)
			require.NoError(t, err)
			p.Builtin = false // what came from outside did not come with the product
			require.Equal(t, p, read)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"unknown field", `{"latencys": {}}`, `1:2: latencys: unknown field; did you mean "latency"?`},
		{"range", `{"latency": {"probability": 7}}`, `1:29: latency.probability: 7 is out of range: must be 0 to 1`},
		{"type", `[1]`, `1:1: must be a mapping, not a list`},
		{"syntax", `{"latency": `, `1:12: not JSON: unexpected end of JSON input`},
		{"no field sees it", `{"fault_injection": {"error_pattern": {"type": "burst", "count": 3}}}`,
			`1:22: fault_injection.error_pattern: interval_ms is missing: how often a burst begins`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := orchestrator.ParseConfig([]byte(tt.text), orchestrator.JSON)
			require.EqualError(t, err, tt.want)
		})
	}
	_, warnings, err := orchestrator.ParseConfig([]byte(`{"latency": {}}`), orchestrator.JSON)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	_, _, err = orchestrator.ParseProfile([]byte(`{"name": "x"}`), orchestrator.JSON)
	require.EqualError(t, err, "1:1: chaos_config is missing")
}

// A profile without faults is one too, and can be read again.
func TestEmptyProfile(t *testing.T) {
	t.Parallel()
	for _, format := range []orchestrator.Format{orchestrator.JSON, orchestrator.YAML} {
		var b bytes.Buffer
		require.NoError(t, orchestrator.EncodeProfile(&b, orchestrator.Profile{Name: "calm"}, format))
		p, _, err := orchestrator.ParseProfile(b.Bytes(), format)
		require.NoError(t, err, b.String())
		require.Equal(t, orchestrator.Profile{Name: "calm"}, p)
	}
}
