package orchestrator_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const (
	head     = `{"type":"header","format":1,"orchestration":"tiny","seed":"0x2a","engine":"mockforge-go/1","start":"2026-01-02T03:04:05.5Z","clock":"real","document":{"name":"tiny","steps":[{"name":"a","duration_seconds":1,"scenario":{"config":{"fault_injection":{"http_errors":[503],"http_error_probability":1}}}}]}}` + "\n"
	layerOn  = `{"t":10,"type":"layer_on","step":"a","iteration":1}` + "\n"
	request  = `{"t":20,"type":"request","n":7,"target":"default","method":"GET","path":"/x","steps":["a"],"iteration":1,"host":"h","decisions":1}` + "\n"
	decision = `{"t":20,"type":"decision","n":7,"step":"a","iteration":1,"kind":"http_error","ordinal":0,"status":503}` + "\n"
	outcome  = `{"t":30,"type":"outcome","n":7,"status":503,"fault":"http_error","failed":true}` + "\n"
	end      = `{"t":40,"type":"run","state":"completed","reason":""}` + "\n"
	whole    = head + layerOn + request + decision + outcome + end
)

func TestReadLogs(t *testing.T) {
	t.Parallel()
	all, err := orchestrator.ParseLogs(strings.NewReader(whole))
	require.NoError(t, err)
	require.Len(t, all, 1)
	r := all[0]
	require.Equal(t, []any{"tiny", uint64(42), true, true, false, orchestrator.RunCompleted}, []any{r.Name, r.Seed, r.Real, r.Complete, r.Torn, r.State})
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC), r.Start)
	ref := injector.LayerRef{Name: "a", Iteration: 1}
	require.Equal(t, []orchestrator.RecordedLayer{{LayerRef: ref, On: 10, Off: -1}}, r.Layers)
	require.Len(t, r.Requests, 1)
	q := r.Requests[0]
	require.Equal(t, []injector.Decision{{Layer: ref, Kind: "http_error", Status: 503}}, q.Decisions)
	require.Equal(t, &orchestrator.RecordedOutcome{At: 30, Status: 503, Fault: "http_error", Failed: true}, q.Outcome)
	v, err := orchestrator.Verify(t.Context(), r)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
}

// What a crash leaves, and what later versions add, can be read.
func TestReadLogsTolerates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, log                string
		runs, requests           int // requests of the last run
		torn, complete, verified bool
	}{
		{"whole", whole, 1, 1, false, true, true},
		{"without the last line's end", strings.TrimSuffix(whole, "\n"), 1, 1, false, true, true},
		{"torn last line", head + layerOn + request + decision + outcome[:20], 1, 1, true, false, true},
		{"torn decision", head + layerOn + request + decision[:20], 1, 0, true, false, true},
		{"missing decision", head + layerOn + request, 1, 0, true, false, true},
		{"torn, and another run after it", head + layerOn + request + decision + outcome[:20] + "\n" + whole, 2, 1, false, true, true},
		{"kinds of a later version", head + layerOn + `{"t":11,"type":"weather","rain":true}` + "\n" + request + decision + end, 1, 1, false, true, true},
		{"empty lines of a full disk", head + layerOn + "\n", 1, 0, true, false, true},
		{"only a header", head, 1, 0, false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, err := orchestrator.ParseLogs(strings.NewReader(tt.log))
			require.NoError(t, err)
			require.Len(t, all, tt.runs)
			r := all[len(all)-1]
			require.Len(t, r.Requests, tt.requests)
			require.Equal(t, []bool{tt.torn, tt.complete}, []bool{r.Torn, r.Complete})
			v, err := orchestrator.Verify(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, tt.verified, v.Difference == nil)
			require.Equal(t, tt.requests, v.Requests)
		})
	}
}

// Cut off anywhere after its header, a recording is read and verified as far as
// it goes.
func TestTornAnywhere(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/storm.chaos.jsonl")
	require.NoError(t, err)
	from := bytes.IndexByte(data, '\n') + 1
	for at := from; at < len(data); at += 1009 {
		all, err := orchestrator.ParseLogs(bytes.NewReader(data[:at]))
		require.NoError(t, err, "cut at %d", at)
		v, err := orchestrator.Verify(t.Context(), all[0])
		require.NoError(t, err, "cut at %d", at)
		if v.Difference != nil {
			t.Fatalf("cut at %d: %s", at, v.Difference)
		}
	}
}

func TestReadLogsRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, log, want string }{
		{"empty", "", "event log:1: the log is empty"},
		{"not a log", "hello\n", "event log:1: this is not an event log: the first line must be a header"},
		{"a document", "name: x\nsteps: []\n", "event log:1: this is not an event log"},
		{"other JSON", `{"log":{"entries":[]}}` + "\n", "event log:1: this is not an event log"},
		{"no header", layerOn + request, "event log:1: this is not an event log"},
		{"a later format", strings.Replace(whole, `"format":1`, `"format":9`, 1), "event log:1: the log has format 9, and this version reads format 1"},
		{"a later format in the second run", whole + strings.Replace(head, `"format":1`, `"format":9`, 1), "event log:7: the log has format 9"},
		{"torn in the middle", head + layerOn[:15] + "\n" + request + decision, `event log:2: not an event: "{\"t\":10,\"type\"`},
		{"no object", head + "17\n" + request, "event log:2: not an event"},
		{"a stray decision", head + decision + end, "event log:2: a decision about request 7, which is not there"},
		{"a lost decision", head + layerOn + request + end, "request 7 of the run that starts in line 1 lacks 1 of its decisions"},
		{"one decision too many", head + layerOn + request + decision + decision, "event log:5: request 7 has more decisions than it says"},
		{"twice", head + request + decision + request, "event log:4: request 7 is there twice"},
		{"seed", strings.Replace(head, "0x2a", "many", 1), `event log:1: the header's seed "many" is not a number`},
		{"start", strings.Replace(head, "2026-", "soon", 1), "event log:1: the header's start"},
		{"document", strings.Replace(head, `"duration_seconds":1`, `"duration":1`, 1), "event log:1: the header's document: "},
		{"no document", `{"type":"header","format":1,"orchestration":"x","seed":"0x1","start":"2026-01-01T00:00:00Z","clock":"real"}` + "\n", "event log:1: the header has no document"},
		{"a line without end", head + strings.Repeat("x", 17<<20), "event log:2: the line is longer than 16 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := orchestrator.ParseLogs(strings.NewReader(tt.log))
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := orchestrator.ReadLog(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestReadLogNamesItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.chaos.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(head+"nonsense\n"+request), 0o600))
	_, err := orchestrator.ReadLog(path)
	require.ErrorContains(t, err, path+":2: ")
}

func TestPickRecording(t *testing.T) {
	t.Parallel()
	other := strings.Replace(head, `"orchestration":"tiny"`, `"orchestration":"other"`, 1)
	all, err := orchestrator.ParseLogs(strings.NewReader(whole + whole + head + other))
	require.NoError(t, err)
	pick := func(name string) int {
		r, err := orchestrator.PickRecording(all, name)
		require.NoError(t, err)
		return r.Line
	}
	require.Equal(t, 7, pick(""), "the last complete one")
	require.Equal(t, 7, pick("tiny"))
	require.Equal(t, 14, pick("other"), "none is complete")
	_, err = orchestrator.PickRecording(all, "othr")
	require.EqualError(t, err, `event log: the log has no run of orchestration "othr"; did you mean "other"?; it has ["tiny" "other"]`)
	_, err = orchestrator.PickRecording(nil, "")
	require.EqualError(t, err, "the log has no run")
}

// A log of another orchestration is refused where it matters, and secrets that
// are not in it do not make it another one.
func TestSameAs(t *testing.T) {
	t.Parallel()
	rec, err := orchestrator.ReadLog("testdata/storm.chaos.jsonl")
	require.NoError(t, err)
	load := func(from, to string) *orchestrator.Orchestration {
		require.Contains(t, gentle, from)
		o, _, err := orchestrator.Parse([]byte(strings.Replace(gentle, from, to, 1)), orchestrator.YAML)
		require.NoError(t, err)
		return o
	}
	require.NoError(t, rec.SameAs(load("name: storm", "name: storm")))
	require.NoError(t, rec.SameAs(load("open sesame", "another secret")))
	require.EqualError(t, rec.SameAs(load("name: storm", "name: calm")),
		`testdata/storm.chaos.jsonl:1: the log is of orchestration "storm", not of "calm"`)
	err = rec.SameAs(load("burst_size: 5", "burst_size: 6"))
	require.ErrorContains(t, err, `the log is of another version of orchestration "storm"`)
	require.ErrorContains(t, err, `"burst_size":5`)
	require.ErrorContains(t, err, `"burst_size":6`)
}

// Whatever a file holds, it is read or refused, and what is read can be
// verified and shown.
func FuzzParseLogs(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(whole + head + request[:30] + "\n" + whole))
	if data, err := os.ReadFile("testdata/storm.chaos.jsonl"); err == nil {
		lines := bytes.SplitAfter(data, []byte("\n"))
		f.Add(bytes.Join(lines[:6], nil))
		f.Add(append(bytes.Clone(lines[0]), bytes.Join(lines[len(lines)-6:], nil)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := orchestrator.ParseLogs(bytes.NewReader(data))
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "event log:"), err)
			return
		}
		require.NotEmpty(t, all)
		for _, r := range all {
			v, err := orchestrator.Verify(t.Context(), r)
			if err == nil && v.Difference != nil {
				require.NotEmpty(t, v.Difference.String())
			}
			var text bytes.Buffer
			require.NoError(t, orchestrator.WriteTimeline(&text, r))
			require.Less(t, bytes.Count(text.Bytes(), []byte("\n")), 5000)
		}
	})
}
