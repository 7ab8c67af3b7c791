package orchestrator_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// In real time start_time and end_time bound the layer. Virtual time is only
// the clock of this test: the run does not know.
func TestCalendarBoundsTheLayer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		start, end time.Duration // from now; 0: no bound
		faulty     [2]time.Duration
	}{
		{"start", 3 * time.Second, 0, [2]time.Duration{3 * time.Second, 10 * time.Second}},
		{"end", 0, 4 * time.Second, [2]time.Duration{0, 4 * time.Second}},
		{"both", 2 * time.Second, 5 * time.Second, [2]time.Duration{2 * time.Second, 5 * time.Second}},
		{"over", -time.Hour, -time.Minute, [2]time.Duration{}},
		{"later", time.Hour, 0, [2]time.Duration{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sc := failing(1)
				if tt.start != 0 {
					sc.Start = time.Now().Add(tt.start)
				}
				if tt.end != 0 {
					sc.End = time.Now().Add(tt.end)
				}
				o := orchestrator.Orchestration{Name: "calendar", Steps: []orchestrator.Step{{Name: "a", Duration: 10 * time.Second, Scenario: sc}}}
				r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{})
				require.NoError(t, err)
				server := direct(r.Injector(), answer(http.StatusOK))
				began := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					r.Run(t.Context())
				}()
				for at := 500 * time.Millisecond; at < 12*time.Second; at += time.Second {
					time.Sleep(time.Until(began.Add(at)))
					q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://default.test/", nil)
					require.NoError(t, err)
					resp, err := server.RoundTrip(q)
					require.NoError(t, err)
					want := http.StatusOK
					if at > tt.faulty[0] && at < tt.faulty[1] {
						want = http.StatusServiceUnavailable
					}
					require.Equal(t, want, resp.StatusCode, "at %s", at)
				}
				<-done
			})
		})
	}
}
