package orchestrator_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// BenchmarkOperation is what recording costs an operation, without a request
// and with one, its decisions included.
func BenchmarkOperation(b *testing.B) {
	for name, request := range map[string]bool{"alone": false, "with a request": true} {
		b.Run(name, func(b *testing.B) {
			o := orchestrator.Orchestration{Name: "bench", Steps: []orchestrator.Step{{Name: "a", Duration: time.Hour, Scenario: failing(0.1)}}}
			var client *http.Client
			r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				defer s.Finish(errEnough)
				op := func(context.Context) error { return nil }
				if request {
					op = func(ctx context.Context) error { return get(ctx, client) }
				}
				for range b.N {
					_ = s.Do(op)
				}
			}}})
			require.NoError(b, err)
			client = &http.Client{Transport: r.Recording(direct(r.Injector(), answer(http.StatusOK)), nil)}
			b.ReportAllocs()
			b.ResetTimer()
			res := r.Run(b.Context())
			b.StopTimer()
			require.Equal(b, b.N, res.Results.Operations())
		})
	}
}
