package orchestrator_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// quick records a run of one request to a log file.
func quick(t *testing.T, f *orchestrator.LogFile, name string, requests int) {
	t.Helper()
	log, err := f.Record()
	require.NoError(t, err)
	o := orchestrator.Orchestration{Name: name, Steps: []orchestrator.Step{{Name: "a", Scenario: failing(0.5), Duration: time.Millisecond}}}
	var run *orchestrator.Run
	var h http.Handler
	run, err = orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log, Hooks: orchestrator.Hooks{Body: func(*orchestrator.ActiveStep) {
		for range requests {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}
	}}})
	require.NoError(t, err)
	h = run.Injector().Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	run.Run(t.Context())
	require.NoError(t, log.Close())
}

func runNames(t *testing.T, path string) (names []string) {
	t.Helper()
	all, err := orchestrator.ReadLogs(path)
	require.NoError(t, err)
	for _, r := range all {
		v, err := orchestrator.Verify(t.Context(), r)
		require.NoError(t, err)
		require.Nil(t, v.Difference)
		names = append(names, r.Name)
	}
	return names
}

// Runs follow one another in a file; a file that is more than half full makes
// room for the next run, and the oldest goes.
func TestLogFileRotates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	f, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{MaxBytes: 256 << 10, Keep: 2})
	require.NoError(t, err)
	quick(t, f, "first", 10)
	quick(t, f, "second", 750) // more than half
	require.Equal(t, []string{"first", "second"}, runNames(t, path))
	quick(t, f, "third", 750)
	require.Equal(t, []string{"third"}, runNames(t, path))
	require.Equal(t, []string{"first", "second"}, runNames(t, path+".1"))
	quick(t, f, "fourth", 750)
	quick(t, f, "fifth", 1)
	require.NoError(t, f.Close())
	require.Equal(t, []string{"fifth"}, runNames(t, path))
	require.Equal(t, []string{"fourth"}, runNames(t, path+".1"))
	require.Equal(t, []string{"third"}, runNames(t, path+".2"))
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Len(t, files, 3, "two older files are kept")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A run that outgrows its file is truncated, keeps its end, and what there is
// of it verifies.
func TestLogFileIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	f, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{MaxBytes: 256 << 10})
	require.NoError(t, err)
	quick(t, f, "long", 5000)
	require.NoError(t, f.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(256<<10))
	require.Greater(t, info.Size(), int64(128<<10))
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	require.Positive(t, rec.Truncated)
	require.True(t, rec.Complete)
	require.Len(t, rec.Steps, 1)
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Len(t, v.Unverified, 1)
	require.Contains(t, v.Unverified[0], "the log's bound was reached")
}

// A server that was killed in the middle of a line goes on in a new one.
func TestLogFileAfterCrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(head+layerOn+request[:40]), 0o600))
	f, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{})
	require.NoError(t, err)
	quick(t, f, "next", 1)
	require.NoError(t, f.Close())
	all, err := orchestrator.ReadLogs(path)
	require.NoError(t, err)
	require.Equal(t, []any{true, "next", false}, []any{all[0].Torn, all[1].Name, all[1].Torn})
}

// What happened is in the file soon after, before the run ends.
func TestLogFileFlushes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	f, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{})
	require.NoError(t, err)
	log, err := f.Record()
	require.NoError(t, err)
	o := orchestrator.Orchestration{Name: "endless", Steps: []orchestrator.Step{quietStep("a", time.Hour)}}
	run, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run.Run(ctx)
	}()
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(path)
		return err == nil && bytes.Contains(data, []byte("layer_on"))
	}, 30*time.Second, 10*time.Millisecond)
	_, err = f.Record()
	require.ErrorContains(t, err, "another run is being recorded")
	cancel()
	<-done
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	require.True(t, rec.Complete, "the end of a run is written at once")
	require.NoError(t, f.Close())
	_, err = f.Record()
	require.ErrorContains(t, err, "it is closed")
	require.NoError(t, f.Close())
}

func TestLogFileRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := orchestrator.OpenLogFile(filepath.Join(dir, "x"), orchestrator.LogFileOptions{MaxBytes: 1000})
	require.ErrorContains(t, err, "a bound of 1000 bytes is too small: use 262144 or more")
	_, err = orchestrator.OpenLogFile(filepath.Join(dir, "x"), orchestrator.LogFileOptions{Keep: 101})
	require.ErrorContains(t, err, "101 older files cannot be kept")
	_, err = orchestrator.OpenLogFile(filepath.Join(dir, "none", "x"), orchestrator.LogFileOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A log that no run took is free for the next one once it is closed.
func TestLogFileAfterARunThatNeverWas(t *testing.T) {
	t.Parallel()
	f, err := orchestrator.OpenLogFile(filepath.Join(t.TempDir(), "x"), orchestrator.LogFileOptions{})
	require.NoError(t, err)
	log, err := f.Record()
	require.NoError(t, err)
	require.NoError(t, log.Close())
	quick(t, f, "run", 1)
	require.NoError(t, f.Close())
}
