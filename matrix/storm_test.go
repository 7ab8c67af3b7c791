package matrix_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

// One seed is one run, whatever the document, the protocols of its targets and
// what its clients do at once. A few documents are a part of the gate; STORM=20-80
// hunts in those of the seeds from 20 to 80.
func TestStorm(t *testing.T) { // not parallel: it changes GOMAXPROCS
	seeds := cmp.Or(os.Getenv("STORM"), "1-6")
	var from, to uint64
	_, err := fmt.Sscanf(seeds, "%d-%d", &from, &to)
	require.NoError(t, err, "STORM is two numbers, such as 20-80")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for seed := from; seed <= to; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var first [][]byte
			for _, processors := range []int{1, 2, 4} {
				runtime.GOMAXPROCS(processors)
				path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
				s := &stormer{}
				chaostest.RunOrchestration(t, storm(seed), s.body, chaostest.Seed(seed), chaostest.EventLog(path), s.setup())
				log, err := os.ReadFile(path)
				require.NoError(t, err)
				lines := bytes.Split(log, []byte("\n"))
				if first == nil {
					first = lines
				}
				requireSameLines(t, first, lines)
			}
		})
	}
}

// requireSameLines shows where two event logs part.
func requireSameLines(t *testing.T, want, got [][]byte) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if !bytes.Equal(want[i], got[i]) {
			t.Fatalf("the event logs part in line %d, behind\n%s\n- %s\n+ %s", i+1, bytes.Join(want[max(0, i-4):i], []byte("\n")), want[i], got[i])
		}
	}
	require.Len(t, got, len(want))
}
