package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestStop(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"Orchestration stopped", "No orchestration currently running"} {
		server := serve(t, map[string]any{"POST /api/chaos/orchestration/stop": `{"message": "` + message + `"}`})
		code, stdout, stderr := execute(t, "orchestrate", "stop", "--base-url", server.URL)
		require.Equal(t, exitOK, code, stderr)
		require.Equal(t, "Stopping orchestration...\n"+message+"\n", stdout)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/import": `{"message": "Orchestration 'x' imported successfully (1 steps)", "warnings": []}`})
	yaml := write(t, "x.yaml", "name: x # mine\nsteps: [a (1s)]\n")
	code, stdout, stderr := execute(t, "orchestrate", "import", "--file", yaml, "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Orchestration 'x' imported successfully (1 steps)\n", stdout)
	json := write(t, "x.json", `{"name": "x", "steps": ["a (1s)"]}`)
	code, _, stderr = execute(t, "orchestrate", "import", "--file", json, "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, []string{
		`POST /api/chaos/orchestration/import {"content":"name: x # mine\nsteps: [a (1s)]\n","format":"yaml"}`,
		`POST /api/chaos/orchestration/import {"content":"{\"name\": \"x\", \"steps\": [\"a (1s)\"]}","format":"json"}`,
	}, server.requests(), "as it is, comments included")
}

// What only the server sees in the same text has the file's lines.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/import": refusal{422, `{"error": "invalid", "problems": [{"line": 1, "column": 7, "path": "name", "message": "taken"}]}`}})
	path := write(t, "x.yaml", checkoutDocument)
	code, _, stderr := execute(t, "orchestrate", "import", "--file", path, "--base-url", server.URL)
	require.Equal(t, exitUsage, code)
	require.Equal(t, "Error: "+path+": invalid:\n  "+path+":1:7: name: taken\n", stderr)
}

func TestList(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"GET /api/chaos/orchestrations": inTurn(
		`[{"name": "checkout", "description": "Once\nupon a time", "tags": ["ci", "api"], "steps": 3, "imported_at": "2026-01-02T03:04:05Z"}, {"name": "x", "steps": 12}]`, `[]`, `[]`)})
	code, stdout, stderr := execute(t, "orchestrate", "list", "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `NAME      STEPS  TAGS     DESCRIPTION
checkout  3      ci, api  Once
x         12     none`+"     \n", stdout)
	_, stdout, _ = execute(t, "orchestrate", "list", "--base-url", server.URL)
	require.Equal(t, "No orchestrations yet. Import one with: mockforge orchestrate import --file FILE --base-url "+server.URL+"\n", stdout)
	_, stdout, _ = execute(t, "orchestrate", "list", "--base-url", server.URL, "-o", "json")
	require.Equal(t, "[]\n", stdout)
}

func TestExport(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"GET /api/chaos/orchestrations/my%20test/export?format=yaml": "name: my test\n",
		"GET /api/chaos/orchestrations/my%20test/export?format=json": "{}\n",
	})
	export := func(args ...string) (int, string, string) {
		return execute(t, append([]string{"orchestrate", "export", "--name", "my test", "--base-url", server.URL}, args...)...)
	}
	code, stdout, stderr := export()
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "name: my test\n", stdout, "only the document, for a pipe")
	_, stdout, _ = export("--format", "json")
	require.Equal(t, "{}\n", stdout)

	path := filepath.Join(t.TempDir(), "out.json")
	code, stdout, stderr = export("--output", path)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Saved to: "+path+"\n", stdout)
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{}\n", string(written), "the format is that of the file's name")

	code, _, stderr = export("--output", path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "exists: choose another --output, or add --force")
	code, _, _ = export("--output", path, "--force")
	require.Equal(t, exitOK, code)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"DELETE /api/chaos/orchestrations/x": inTurn(`{"message": "Orchestration 'x' deleted"}`, refusal{404, `{"error": "no orchestration is called x"}`})})
	code, stdout, stderr := execute(t, "orchestrate", "delete", "--name", "x", "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Orchestration 'x' deleted\n", stdout)
	code, _, stderr = execute(t, "orchestrate", "delete", "--name", "x", "--base-url", server.URL)
	require.Equal(t, exitUsage, code)
	require.Equal(t, "Error: no orchestration is called x\nSee which there are with: mockforge orchestrate list --base-url "+server.URL+"\n", stderr)
}

func TestHistory(t *testing.T) {
	t.Parallel()
	failed := runAt(60, orchestrator.RunFailed)
	server := serve(t, map[string]any{
		"GET /api/chaos/orchestration/history": inTurn(`[{"id": "r2", "name": "x", "state": "running", "elapsed_seconds": 3.21, "started_at": "2026-01-02T03:04:05Z"},
			{"id": "r1", "name": "checkout", "state": "failed", "elapsed_seconds": 60, "failed_steps": ["peak"]}]`, "[]"),
		"GET /api/chaos/orchestration/history/r1": encode(t, failed),
	})
	code, stdout, stderr := execute(t, "orchestrate", "history", "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `ID  NAME      STATE    STARTED               ELAPSED  FAILED STEPS
r2  x         running  2026-01-02 03:04:05Z  3.2s     none
r1  checkout  failed   -                     1m       peak
`, stdout)
	_, stdout, _ = execute(t, "orchestrate", "history", "--base-url", server.URL)
	require.Equal(t, "No runs yet.\n", stdout)
	code, stdout, _ = execute(t, "orchestrate", "history", "--id", "r1", "--base-url", server.URL)
	require.Equal(t, exitOK, code, "to look at a failure is no failure")
	require.Contains(t, stdout, "checkout: failed after 1m: step peak failed\n")
	_, stdout, _ = execute(t, "orchestrate", "history", "--id", "r1", "--base-url", server.URL, "--output", "json")
	require.JSONEq(t, encode(t, failed), stdout)
}
