package chaostest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A start whose answer is lost leaves no run on the server, and no run of
// anybody else's is stopped for it.
func TestRemoteStartUnanswered(t *testing.T) {
	t.Parallel()
	const none = `{"is_running": false, "name": null, "progress": 0}`
	report := func(id, name, seed, state string) string {
		return fmt.Sprintf(`{"is_running": %t, "id": %q, "name": %q, "seed": %q, "state": %q}`, state == "running", id, name, seed, state)
	}
	mine := report("r2", "x", "0x7", "running")
	lost := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	late := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	says := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	const unseen = `; no run of it was seen there since; should one start, end it with mockforge orchestrate stop`
	tests := []struct {
		name     string
		start    http.HandlerFunc
		statuses []string // the first before the start, the last for ever
		want     string   // the end of the error
		stops    int32
	}{
		{"lost", lost, []string{none, mine}, `; its run r2 was stopped`, 1},
		{"late", late, []string{none, mine}, `; its run r2 was stopped`, 1},
		{"of a proxy", says(http.StatusGatewayTimeout, "<html>"), []string{none, mine}, `; its run r2 was stopped`, 1},
		{"slowly", lost, []string{report("r1", "x", "0x7", "completed"), report("r1", "x", "0x7", "completed"), mine}, `; its run r2 was stopped`, 1},
		{"over already", lost, []string{none, report("r2", "x", "0x7", "failed")}, `; its run r2 is over`, 0},
		{"not started", lost, []string{none}, unseen, 0},
		{"an earlier one", lost, []string{report("r1", "x", "0x7", "running")}, unseen, 0},
		{"another's name", lost, []string{none, report("r2", "y", "0x7", "running")}, unseen, 0},
		{"another's seed", lost, []string{none, report("r2", "x", "0x8", "running")}, unseen, 0},
		{"refused", says(http.StatusConflict, `{"error": "y is already running"}`), []string{none, mine}, `: y is already running`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked, stops atomic.Int32
			there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/api/chaos/orchestration/status":
					_, _ = io.WriteString(w, tt.statuses[min(int(asked.Add(1)), len(tt.statuses))-1])
				case "/api/chaos/orchestration/start":
					_, _ = io.Copy(io.Discard, r.Body)
					tt.start(w, r)
				case "/api/chaos/orchestration/stop":
					stops.Add(1)
					_, _ = io.WriteString(w, `{}`)
				}
			}))
			defer there.Close()
			s, err := newRemoteServer(there.URL, "")
			require.NoError(t, err)
			defer s.close()
			s.patience = 30 * time.Second
			if tt.want == unseen {
				s.patience = time.Second // it is waited for in vain
			}
			if tt.name == "late" {
				s.client.Timeout = 3 * time.Second
			}
			err = s.start(t.Context(), &orchestrator.Orchestration{Name: "x", Seed: new(uint64(7)), Steps: []orchestrator.Step{{Name: "a", Duration: time.Minute}}})
			require.Error(t, err)
			require.Regexp(t, tt.want+"$", err.Error())
			require.Equal(t, tt.stops, stops.Load())
		})
	}
}
