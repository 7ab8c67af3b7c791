package orchestrator

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClosest(t *testing.T) {
	t.Parallel()
	known := []string{"name", "steps", "fixed_delay_ms", "random_delay_range_ms", "loop_orchestration", "on_failure", "when"}
	tests := []struct{ word, want, why string }{
		{"step", "steps", "a letter is missing"},
		{"setps", "steps", "two letters are swapped"},
		{"fixedDelayMs", "fixed_delay_ms", "another way of writing it"},
		{"FIXED-DELAY-MS", "fixed_delay_ms", "another way of writing it"},
		{"fixed_delay", "fixed_delay_ms", "without its unit"},
		{"loop", "loop_orchestration", "cut short"},
		{"on_error", "", "too many letters differ"},
		{"n", "", "one letter says nothing"},
		{"", "", "nothing says nothing"},
		{"completely_different", "", "far from all"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, closest(tt.word, known), "%s: %s", tt.word, tt.why)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ü", "u", 1},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, distance(tt.a, tt.b), "%q %q", tt.a, tt.b)
		require.Equal(t, tt.want, distance(tt.b, tt.a), "%q %q", tt.b, tt.a)
	}
}
