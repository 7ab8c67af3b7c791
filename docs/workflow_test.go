package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// The workflow files of docs/ci.md do what it says. Their commands run in order
// and in one shell, as those of a job would, with what the runner installs left
// out.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || testing.Short() {
		t.Skip("runs the commands of the workflows in a POSIX shell")
	}
	const unexpected = "name: broken\nload: {rate: 50}\nsteps:\n  - {name: calm, duration_seconds: 1, expect: server.error_rate >= 1%}\n"
	const nothing = "name: idle\nsteps:\n  - {name: calm, duration_seconds: 1, expect: error_rate <= 1%}\n"
	bin := binary(t)
	tests := []struct {
		name, file, job, document string
		code                      int
		prints                    string
	}{
		{"documented", "documented.yml", "chaos", read(t, "docs/workflows/load-test.yaml"), 0, "started successfully"},
		{"passed", "chaos-test.yml", "server", read(t, "docs/workflows/load-test.yaml"), 0, "load-test: passed"},
		{"failed", "chaos-test.yml", "server", unexpected, 1, "broken: failed"},
		{"inconclusive", "chaos-test.yml", "server", nothing, 3, "idle: inconclusive"},
		{"invalid", "chaos-test.yml", "server", "name: x\nsteps: []\n", 2, "steps"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, block{}, bin)
			r.port = freePort(t)
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, ".mockforge"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".mockforge", "load-test.yaml"), []byte(tt.document), 0o600))
			script := strings.ReplaceAll(r.toReal(job(t, tt.file, tt.job)), "mockforge serve ", "mockforge serve --http-port "+r.port+" ")
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", "trap 'kill $(jobs -p)' EXIT\n"+script)
			cmd.Dir, cmd.Env = dir, append(r.env, "MOCKFORGE_BASE_URL=http://127.0.0.1:"+r.port)
			out, _ := cmd.CombinedOutput() // its exit code is looked at below
			require.Equal(t, tt.code, cmd.ProcessState.ExitCode(), string(out))
			require.Contains(t, string(out), tt.prints)
		})
	}
}

// job is the commands of a job, one after the other.
func job(t *testing.T, file, name string) string {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "docs/workflows/"+file)), &workflow))
	var script strings.Builder
	for _, step := range workflow.Jobs[name].Steps {
		if !strings.HasPrefix(step.Run, "go install ") {
			script.WriteString(step.Run + "\n")
		}
	}
	require.Contains(t, script.String(), "mockforge serve ")
	return script.String()
}
