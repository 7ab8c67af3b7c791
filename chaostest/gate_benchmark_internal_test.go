package chaostest

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// BenchmarkGateTurn is what an arrival pays for its place in the order. Virtual
// time needs a T, and the benchmark's clock must stay outside.
func BenchmarkGateTurn(b *testing.B) {
	b.ReportAllocs()
	turns := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fired atomic.Uint64
			g := newGate(1, &fired)
			key := func() string { return "key" }
			decide := func(time.Time) {}
			for range b.N {
				if err := g.Turn(context.Background(), key, decide); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	match := func(_, _ string) (bool, error) { return true, nil }
	if !testing.RunTests(match, []testing.InternalTest{{Name: "turns", F: turns}}) {
		b.Fatal("the turns failed")
	}
}
