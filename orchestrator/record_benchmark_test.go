package orchestrator_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// What a recording costs a request, beside a log that is not one.
func BenchmarkRecording(b *testing.B) {
	for name, log := range map[string]func(io.Writer) *orchestrator.EventLog{"log": orchestrator.NewEventLog, "recording": orchestrator.NewRecording} {
		b.Run(name, func(b *testing.B) {
			o := orchestrator.Orchestration{Name: "bench", Steps: []orchestrator.Step{{Name: "a", Duration: time.Hour, Scenario: failing(0.1)}}}
			started := make(chan struct{})
			run, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log(io.Discard), Hooks: orchestrator.Hooks{
				Body: func(*orchestrator.ActiveStep) { close(started) },
			}})
			require.NoError(b, err)
			h := run.Injector().Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				run.Run(ctx)
			}()
			<-started
			b.ResetTimer()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := httptest.NewRequest(http.MethodGet, "/orders/1", nil)
				for pb.Next() {
					h.ServeHTTP(httptest.NewRecorder(), r)
				}
			})
			b.StopTimer()
			cancel()
			<-done
		})
	}
}
