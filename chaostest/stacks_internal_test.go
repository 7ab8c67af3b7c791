package chaostest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes on by itself does not freeze a clock, however slow the machine is.
func TestBusy(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]bool{
		"running":                true,
		"runnable":               true,
		"runnable (scan)":        true,
		"GC assist wait":         true,
		"GC assist marking":      true,
		"garbage collection":     true,
		"wait for GC cycle":      true,
		"preempted":              true,
		"IO wait":                false,
		"syscall":                false,
		"sync.Mutex.Lock":        false,
		"chan receive":           false,
		"chan receive (durable)": false,
		"sleep":                  false,
	} {
		require.Equal(t, want, stack{state: state + ", 2 minutes, synctest bubble 1"}.busy(), state)
		require.Equal(t, want, stack{state: state}.busy(), state)
	}
}

// What the world outside may still end is given more time than what cannot end.
func TestPatience(t *testing.T) {
	t.Parallel()
	lock, call := stack{state: "sync.Mutex.Lock, synctest bubble 1"}, stack{state: "syscall, 2 minutes, synctest bubble 1"}
	socket := stack{state: "IO wait, synctest bubble 1"}
	require.Equal(t, frozenLooks, patience([]stack{lock, lock}))
	require.Equal(t, outsideLooks, patience([]stack{lock, call}))
	require.Equal(t, outsideLooks, patience([]stack{socket}))
}
