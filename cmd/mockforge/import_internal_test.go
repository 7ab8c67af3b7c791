package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const proxies = `[{"name": "redis", "listen": "127.0.0.1:16379", "upstream": "127.0.0.1:6379", "toxics": [
  {"type": "latency", "attributes": {"latency": 50}}, {"type": "noop"}]}]`

func TestImportFromToxiproxy(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/import": `{"message": "Orchestration 'cache' imported successfully (1 steps)", "warnings": []}`})
	file := write(t, "cache.json", proxies)
	code, stdout, stderr := execute(t, "orchestrate", "import", "--from", "toxiproxy", file, "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Orchestration 'cache' imported successfully (1 steps)\n\nWarnings:\n  "+file+":2:55: [0].toxics[1]: does nothing: left out\n", stdout)
	require.Len(t, server.requests(), 1)
	require.Contains(t, server.requests()[0], `"format":"yaml"`)
	require.Contains(t, server.requests()[0], `name: cache\n`)

	written := filepath.Join(t.TempDir(), "chaos.yaml")
	code, stdout, stderr = execute(t, "orchestrate", "import", "--from", "toxiproxy", "--file", file, "--duration", "5m", "-o", written)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Saved to: "+written+"\n", stdout)
	require.Contains(t, stderr, "does nothing")
	o, _, err := orchestrator.Load(written)
	require.NoError(t, err)
	require.Equal(t, "cache", o.Name)
	require.Equal(t, 5*time.Minute, o.Steps[0].Duration)
	require.Equal(t, injector.ToxicLatency, o.Steps[0].Scenario.Config.TCP.Toxics[0].Type)
	require.Len(t, server.requests(), 1, "it was not sent")

	code, _, stderr = execute(t, "orchestrate", "import", "--from", "toxiproxy", file, "-o", written)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "exists: choose another --output, or add --force")
	code, stdout, _ = execute(t, "orchestrate", "import", "--from", "toxiproxy", file, "-o", "-", "--format", "json")
	require.Equal(t, exitOK, code)
	o, _, err = orchestrator.Parse([]byte(stdout), orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, time.Minute, o.Steps[0].Duration)

	code, stdout, stderr = execute(t, "orchestrate", "import", "--from", "toxiproxy", write(t, ".json", proxies), "-o", "-")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "name: toxiproxy\n", "a file without a name of its own")
}

func TestImportFromToxiproxyRefused(t *testing.T) {
	t.Parallel()
	bad := write(t, "bad.json", `[{"name": "redis", "upstream": "6379"}]`)
	code, stdout, stderr := execute(t, "orchestrate", "import", "--from", "toxiproxy", bad)
	require.Equal(t, exitUsage, code)
	require.Empty(t, stdout)
	require.Equal(t, "Error: "+bad+" is not a toxiproxy config that can be imported:\n  "+bad+":1:32: [0].upstream: \"6379\" is not host:port\n", stderr)

	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--from", "envoy", bad}, `--from: "envoy" is not known: use toxiproxy`},
		{[]string{"--from", "toxiproxy", bad, "--file", bad}, "the file is given twice: by --file and as " + bad},
		{[]string{"--from", "toxiproxy"}, `required flag(s) "file" not set`},
		{[]string{"--from", "toxiproxy", bad, "--duration", "0s"}, "--duration: 0s is out of range: 1ms or more"},
		{[]string{"--from", "toxiproxy", write(t, "good.json", proxies), "--duration", "9000h"}, "--duration: 9000h0m0s is out of range: at most 366 days"},
		{[]string{"--from", "toxiproxy", bad, "--format", "json"}, "--format has no effect without --output"},
		{[]string{"--file", bad, "--output", "x.yaml"}, "--output has no effect without --from"},
		{[]string{bad}, `unexpected argument "` + bad + `"; did you mean --file ` + bad + `?`},
		{nil, `required flag(s) "file" not set`},
	} {
		code, _, stderr := execute(t, append([]string{"orchestrate", "import"}, tt.args...)...)
		require.Equal(t, exitUsage, code, tt.args)
		require.Contains(t, stderr, tt.want)
	}
	_, err := os.Stat("x.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}
