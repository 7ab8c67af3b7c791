package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// execute runs a command line as a shell would.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		args   string
		code   int
		stdout string // contained
		stderr string
	}{
		{"nothing", "", exitOK, "Usage:", ""},
		{"help", "--help", exitOK, "Exit codes: 0 ok", ""},
		{"group", "orchestrate", exitOK, "validate", ""},
		{"version", "version", exitOK, "mockforge ", ""},
		{"version flag", "--version", exitOK, "mockforge ", ""},
		{"unknown command", "orchstrate", exitUsage, "", "Error: unknown command \"orchstrate\" for \"mockforge\"; did you mean \"orchestrate\"?\nRun 'mockforge --help' for usage.\n"},
		{"unknown command of a group", "orchestrate vaildate", exitUsage, "", "Error: unknown command \"vaildate\" for \"mockforge orchestrate\"; did you mean \"validate\"?\nRun 'mockforge orchestrate --help' for usage.\n"},
		{"nothing like it", "orchestrate frobnicate", exitUsage, "", "Error: unknown command \"frobnicate\" for \"mockforge orchestrate\"\nRun 'mockforge orchestrate --help' for usage.\n"},
		{"unknown flag", "orchestrate validate --fil x", exitUsage, "", "Error: unknown flag: --fil; did you mean --file?\nRun 'mockforge orchestrate validate --help' for usage.\n"},
		{"unknown flag of many", "serve --chaos-latncy-ms 5", exitUsage, "", "Error: unknown flag: --chaos-latncy-ms; did you mean --chaos-latency-ms?\nRun 'mockforge serve --help' for usage.\n"},
		{"no flag like it", "serve --frobnicate", exitUsage, "", "Error: unknown flag: --frobnicate\nRun 'mockforge serve --help' for usage.\n"},
		{"unknown letter", "serve -x", exitUsage, "", "Error: unknown shorthand flag: 'x' in -x\nRun 'mockforge serve --help' for usage.\n"},
		{"no document", "orchestrate start", exitUsage, "", "Error: say what to start: --file FILE, or --name NAME of an orchestration that the server keeps\nRun 'mockforge orchestrate start --help' for usage.\n"},
		{"two documents", "orchestrate start --file x --name y", exitUsage, "", "Error: --file and --name exclude each other\nRun 'mockforge orchestrate start --help' for usage.\n"},
		{"missing flag", "orchestrate validate", exitUsage, "", "Error: required flag(s) \"file\" not set\nRun 'mockforge orchestrate validate --help' for usage.\n"},
		{"word for a flag", "orchestrate validate x.yaml", exitUsage, "", "Error: unexpected argument \"x.yaml\"; did you mean --file x.yaml?\nRun 'mockforge orchestrate validate --help' for usage.\n"},
		{"one word too many", "version now", exitUsage, "", "Error: unexpected argument \"now\"\nRun 'mockforge version --help' for usage.\n"},
		{"template without output", "orchestrate template", exitUsage, "", "Error: required flag(s) \"output\" not set\nRun 'mockforge orchestrate template --help' for usage.\n"},
		{"format of a template", "orchestrate template --output - --format toml", exitUsage, "", "Error: unknown format \"toml\": use yaml or json\nRun 'mockforge orchestrate template --help' for usage.\n"},
		{"format of a report", "orchestrate validate --file x --format xml", exitUsage, "", "Error: unknown format \"xml\": use text or json\nRun 'mockforge orchestrate validate --help' for usage.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, strings.Fields(tt.args)...)
			require.Equal(t, tt.code, code)
			require.Contains(t, stdout, tt.stdout)
			require.Equal(t, tt.stderr, stderr)
			if tt.code != exitOK {
				require.Empty(t, stdout)
			}
		})
	}
}

// Every command says how it is used.
func TestHelp(t *testing.T) {
	t.Parallel()
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		words := strings.Fields(c.CommandPath())[1:]
		code, stdout, _ := execute(t, append(words, "--help")...)
		require.Equal(t, exitOK, code)
		require.Contains(t, stdout, "Examples:", c.CommandPath())
		require.Contains(t, c.Example, c.CommandPath(), "an example is of the command itself")
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(rootCommand())
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, exitOK, exitCode(nil))
	require.Equal(t, exitUsage, exitCode(errors.New("anything")))
	require.Equal(t, exitUnreachable, exitCode(&exitError{code: exitUnreachable}))
}

// A reader of our output that goes away is an error, not a success.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	code := run(t.Context(), []string{"orchestrate", "template", "--output", "-"}, strings.NewReader(""), brokenPipe{}, io.Discard)
	require.NotEqual(t, exitOK, code)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
