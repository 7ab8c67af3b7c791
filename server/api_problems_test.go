package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// invalidDocuments are one of each kind of mistake. Those that begin with { are
// JSON.
var invalidDocuments = map[string]string{
	"empty":               "",
	"not_a_mapping":       "- a\n",
	"not_YAML":            "name: [a\nsteps: b\n",
	"tab":                 "name: x\nsteps:\n\t- name: a\n",
	"second_document":     "name: x\nsteps: [a (1s)]\n---\nname: y\nsteps: [a (1s)]\n",
	"unknown_keys":        "name: x\nloop: true\nstps: []\nsteps: [a (1s)]\n",
	"duplicate_key":       "name: x\nname: y\nsteps: [a (1s)]\n",
	"types":               "name: 12\ndescription: [a]\nparallel: yes\nseed: -1\nmax_iterations: 1.5\nsteps: a\n",
	"ranges":              "name: x\nsteps:\n  - name: a\n    scenario: {config: {fault_injection: {http_errors: [42], http_error_probability: 10}}}\n",
	"misplaced_section":   "name: x\nsteps:\n  - name: a\n    latency: {fixed_delay_ms: 1}\n",
	"same_name":           "name: x\nsteps: [a (1s), a (2s)]\n",
	"unknown_scenario":    "name: x\nsteps:\n  - {name: a, scenario: cascading_failures}\n",
	"unknown_target":      "name: x\ntargets: {orders: {}}\nsteps:\n  - {name: a, target: order}\n",
	"expectation":         "name: x\nsteps:\n  - {name: a, expect: [\"p9x <= 1s\"]}\n",
	"unprintable":         "name: \"a\\nb\"\nsteps: [a (1s)]\n",
	"no_steps":            "name: x\nsteps: []\n",
	"JSON_types":          "{\n\t\"name\": \"ü\\u0041\",\t\"stps\": [],\n \"steps\": [ {\"name\":\"a\",\"keep\":1} ] }",
	"JSON_ranges":         `{"name": "x", "steps": [{"name": "a", "duration_seconds": -1, "scenario": {"config": {"latency": {"random_delay_range_ms": [5, 1]}}}}]}`,
	"JSON_duplicate_key":  "{\"name\": \"x\",\n\"name\": \"y\", \"steps\": [\"a (1s)\"]}",
	"JSON_cut_off":        "{\"name\": \"x\", ",
	"JSON_word":           "{\n  \"name\": x\n}",
	"JSON_two_documents":  "{\"name\": \"x\", \"steps\": [\"a (1s)\"]}\n{}",
	"JSON_without_steps":  `{"name": "x", "parallel": true}`,
	"JSON_empty":          `{}`,
	"JSON_names":          `{"name": " ", "steps": [{"name": "a", "when": "on_faliure"}, {"duration_seconds": 1}, "warm"]}`,
	"JSON_stop_condition": `{"name": "x", "stop_conditions": ["error_rate"], "steps": ["a (1s)"]}`,
}

// writeInvalid puts a document into a file.
func writeInvalid(t *testing.T, name string) (path string, format orchestrator.Format) {
	t.Helper()
	format = orchestrator.YAML
	if strings.HasPrefix(invalidDocuments[name], "{") {
		format = orchestrator.JSON
	}
	path = filepath.Join(t.TempDir(), name+"."+string(format))
	require.NoError(t, os.WriteFile(path, []byte(invalidDocuments[name]), 0o600))
	return path, format
}

// An invalid document has the same problems, at the same places, for whoever
// reads it.
func TestInvalidDocuments(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	for name, document := range invalidDocuments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, format := writeInvalid(t, name)
			_, _, err := orchestrator.Load(path)
			var invalid *orchestrator.InvalidError
			require.ErrorAs(t, err, &invalid)
			want := invalid.Problems
			for i := range want {
				require.Equal(t, path, want[i].File)
				require.Positive(t, want[i].Line)
				want[i].File = ""
			}
			message := (&orchestrator.InvalidError{Problems: want}).Error()

			a := l.ask(t, "POST", "/orchestration/import", map[string]string{"content": document, "format": string(format)}).says(t, 422, message)
			require.Equal(t, want, a.failure(t).Problems)
			if format == orchestrator.JSON {
				a = l.ask(t, "POST", "/orchestration/start", document)
				require.Equal(t, want, a.failure(t).Problems)
				require.Equal(t, message, a.failure(t).Error)
				if strings.Contains(name, "cut_off") || strings.Contains(name, "word") || strings.Contains(name, "two") {
					require.Equal(t, 400, a.status, "it is no JSON")
				} else {
					require.Equal(t, 422, a.status)
				}
			}
		})
	}
}

// invalidEnv makes the test below run invalid documents and fail.
const invalidEnv = "MOCKFORGE_TEST_INVALID"

func TestInvalidDocumentsInATest(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(invalidEnv); dir != "" {
		for name := range invalidDocuments {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				files, err := filepath.Glob(filepath.Join(dir, name+".*"))
				require.NoError(t, err)
				chaostest.Run(t, files[0], nil)
			})
		}
		return
	}
	dir := t.TempDir()
	var want []string
	for name, document := range invalidDocuments {
		path, format := writeInvalid(t, name)
		_, _, err := orchestrator.Load(path)
		var invalid *orchestrator.InvalidError
		require.ErrorAs(t, err, &invalid)
		moved := filepath.Join(dir, name+"."+string(format))
		require.NoError(t, os.WriteFile(moved, []byte(document), 0o600))
		for _, p := range invalid.Problems {
			p.File = moved
			want = append(want, p.String())
		}
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInvalidDocumentsInATest$")
	child.Env = append(os.Environ(), invalidEnv+"="+dir)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the tests with invalid documents fail")
	for _, line := range want {
		require.Contains(t, string(out), line)
	}
}
