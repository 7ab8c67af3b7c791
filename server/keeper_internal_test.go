package server

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Steps that are shorter than a write neither wait for it nor pile up writes;
// each is told of once its end is safe, and nothing is written after the stop.
func TestKeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slow = 50 * time.Millisecond
		writes, told := 0, 0
		k := &keeper{
			write:  func() error { time.Sleep(slow); writes++; return nil },
			report: func(ended []orchestrator.StepReport) { told += len(ended) },
			failed: func(err error) { require.NoError(t, err) },
		}
		k.start()
		began := time.Now()
		for range 500 {
			k.stepEnded(orchestrator.StepReport{Name: "short"})
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, 500*time.Millisecond, time.Since(began), "no step waited")
		k.stop()
		require.LessOrEqual(t, writes, 3, "one for each 250 ms")
		require.Positive(t, writes)
		require.Equal(t, 500, told)
		before := writes
		time.Sleep(time.Minute)
		require.Equal(t, before, writes)
	})
}

// A run without short steps is written down all the same.
func TestKeeperWritesInBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		k := &keeper{write: func() error { writes++; return nil }, report: func([]orchestrator.StepReport) {}, failed: func(error) {}}
		k.start()
		time.Sleep(10*time.Second + time.Millisecond)
		k.stop()
		require.Equal(t, 10, writes)
	})
}
