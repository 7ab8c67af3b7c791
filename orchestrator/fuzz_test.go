package orchestrator_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func seedWith(f *testing.F, format orchestrator.Format) {
	files, err := filepath.Glob("testdata/*/*")
	require.NoError(f, err)
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue // the corpus of another target
		}
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		if orchestrator.FormatOf(file) == format {
			f.Add(data)
		}
	}
	f.Add([]byte("a: &a [*a]\n<<: *a\n? {b: c}\n: !!binary x\n"))
	f.Add([]byte("name: 0x10\nsteps: [a (1s), !!str 1, 1e3, .inf, 2026-01-01]\n---\n{}"))
}

func FuzzParseYAML(f *testing.F) {
	seedWith(f, orchestrator.YAML)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data, orchestrator.YAML) })
}

func FuzzParseJSON(f *testing.F) {
	seedWith(f, orchestrator.JSON)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data, orchestrator.JSON) })
}

// checkParse holds for any input: no panic, every problem has its position and
// is one line, and what loads can be used and round-trips.
func checkParse(t *testing.T, data []byte, format orchestrator.Format) {
	o, warnings, err := orchestrator.Parse(data, format)
	lines := bytes.Count(data, []byte("\n")) + 1
	lines += bytes.Count(data, []byte("\r")) + strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
	all := warnings
	if err != nil {
		var invalid *orchestrator.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.NotEmpty(t, invalid.Problems)
		all = append(all, invalid.Problems...)
	}
	for _, p := range all {
		require.GreaterOrEqual(t, p.Line, 1, p)
		require.LessOrEqual(t, p.Line, lines+1, p)
		require.GreaterOrEqual(t, p.Column, 1, p)
		require.NotContains(t, p.String(), "\n")
	}
	if err != nil {
		return
	}
	o.Timetable()
	o.Summarize()
	_, _ = o.TotalDuration()
	checkRoundTrip(t, o)
}

func checkRoundTrip(t *testing.T, o *orchestrator.Orchestration) {
	for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
		var b bytes.Buffer
		require.NoError(t, orchestrator.Encode(&b, o, format))
		again, _, err := orchestrator.Parse(b.Bytes(), format)
		if err != nil && b.Len() > 1<<20 {
			continue // a short spelling of a document at the limit
		}
		require.NoError(t, err, b.String())
		require.Equal(t, o, again, b.String())
	}
}

// FuzzRoundTrip starts from documents that load and puts fuzzed text and
// numbers into them.
func FuzzRoundTrip(f *testing.F) {
	f.Add("x", "a\nb", "GET", int64(1), int64(1), 0.1, uint64(1))
	f.Add(" leading", "\n\n x\t\n", "true", int64(1e15+1), int64(123456789), 1e-300, uint64(1)<<63)
	f.Add("~", "\u2028\u0085\x00", "1e3", int64(0), int64(3), 1.0, uint64(0))
	f.Fuzz(func(t *testing.T, name, text, tag string, length, delay int64, p float64, seed uint64) {
		o := everything()
		o.Name, o.Description, o.Tags, o.Seed = name, text, []string{tag, text}, &seed
		o.Steps[0].Name = name
		first := &o.Steps[0]
		first.Duration, first.DelayBefore = abs(length), abs(delay)
		first.Load.Body, first.Load.Headers["A"], first.Load.Rate = text, tag, p
		first.Scenario.Config.FaultInjection.HTTPErrorProbability = &p
		first.Scenario.Config.FaultInjection.Timeout = new(abs(delay))
		first.Scenario.Config.RateLimit.RequestsPerSecond = p
		first.Scenario.Config.TCP.Toxics[0].Toxicity = &p
		first.Scenario.Config.TCP.Toxics[4].Attributes.Delay = abs(delay)
		first.Scenario.Config.TCP.Toxics[9].Name, first.Scenario.Config.TCP.Toxics[9].Attributes.Bytes = tag, length
		first.Scenario.Config.GraphQL.ErrorCodes = []string{name}
		o.Scenarios[name] = o.Scenarios["empty"]
		if _, err := o.Validate(); err != nil {
			var b bytes.Buffer
			require.Error(t, orchestrator.Encode(&b, o, orchestrator.YAML), "what is invalid is not written")
			return
		}
		checkRoundTrip(t, o)
	})
}

func abs(ns int64) time.Duration {
	if ns < 0 {
		ns = -(ns + 1)
	}
	return time.Duration(ns)
}
