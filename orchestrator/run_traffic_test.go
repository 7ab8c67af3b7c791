package orchestrator_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestLoadOfTheDocument(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{
			Targets: map[string]orchestrator.Target{"cart": {}, "shop": {}},
			Load:    &orchestrator.Traffic{Rate: 10, Target: "shop"},
			Steps: []orchestrator.Step{
				quietStep("a", time.Second),
				{Name: "b", Duration: time.Second, DelayBefore: time.Second, Load: &orchestrator.Traffic{
					Rate: 3, Target: "cart", Method: "POST", Path: "/orders?size=2", Body: `{"n": 1}`,
					Headers: map[string]string{"host": "cart.example", "Content-Type": "application/json"},
				}},
				{Name: "c", Duration: time.Second, Load: &orchestrator.Traffic{Rate: 0}},
				{Name: "d"},
			},
		}, orchestrator.RunOptions{})
		var mu sync.Mutex
		seen := map[string]int{}
		r.upstream = func(_ http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprintf("%s %s%s %q %s", q.Method, q.Host, q.URL.RequestURI(), q.Header.Get("Content-Type"), body)]++
		}
		res := r.run()
		require.Equal(t, map[string]int{
			`GET shop.test/ "" `: 10,
			`POST cart.example/orders?size=2 "application/json" {"n": 1}`: 3,
		}, seen)
		require.Equal(t, 10, stepOf(t, res, "a").Results.Operations())
		require.Equal(t, 3, stepOf(t, res, "b").Results.Operations())
		require.Equal(t, 3, stepOf(t, res, "b").Results.Attempts())
		require.Equal(t, 0, stepOf(t, res, "c").Results.Operations())
		require.Equal(t, 0, stepOf(t, res, "d").Results.Operations(), "a step without a length has no load")
		require.Equal(t, passed, stepOf(t, res, "d").State)
	})
}

func TestLoadOfTheDocumentFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		scenario orchestrator.Scenario
		load     orchestrator.Traffic
		upstream http.HandlerFunc
		failed   bool
		error    string
		takes    time.Duration
	}{
		{name: "well", load: orchestrator.Traffic{Rate: 1}},
		{name: "client error", load: orchestrator.Traffic{Rate: 1}, upstream: answer(404)},
		{name: "server error", load: orchestrator.Traffic{Rate: 1, Path: "/pay"}, scenario: failing(1), failed: true, error: "GET /pay: 503 Service Unavailable"},
		{name: "too many", load: orchestrator.Traffic{Rate: 1}, upstream: answer(429), failed: true, error: "GET /: 429 Too Many Requests"},
		{name: "time-out", load: orchestrator.Traffic{Rate: 1, Timeout: 700 * time.Millisecond}, scenario: partition(), failed: true, error: "time-out", takes: 700 * time.Millisecond},
		{name: "time-out by default", load: orchestrator.Traffic{Rate: 0.01}, scenario: partition(), failed: true, error: "time-out", takes: 30 * time.Second},
		{name: "slow", load: orchestrator.Traffic{Rate: 1}, scenario: slow(600 * time.Millisecond), takes: 600 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, orchestrator.Orchestration{Load: &tt.load, Steps: []orchestrator.Step{{Name: "a", Duration: time.Minute, Scenario: tt.scenario}}}, orchestrator.RunOptions{})
				r.upstream = tt.upstream
				a := stepOf(t, r.run(), "a").Results
				require.Positive(t, a.Operations())
				require.Equal(t, tt.takes, a.Max())
				if !tt.failed {
					require.Equal(t, 0, a.Failed())
					return
				}
				require.Equal(t, a.Operations(), a.Failed())
				first, _ := a.FirstFailure()
				require.Equal(t, tt.error, first.Error)
			})
		})
	}
}

func answer(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestLoadWithoutAClient(t *testing.T) {
	t.Parallel()
	load := &orchestrator.Traffic{Rate: 1}
	tests := []struct {
		o    orchestrator.Orchestration
		want string // "": it is accepted
	}{
		{o: orchestrator.Orchestration{Load: load, Steps: []orchestrator.Step{{Name: "a"}}}, want: "orchestration x: the document asks for load, and there is no client to drive it"},
		{o: orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a"}, {Name: "b", Load: load}}}, want: "orchestration x: step b asks for load, and there is no client to drive it"},
		{o: orchestrator.Orchestration{Load: &orchestrator.Traffic{}, Steps: []orchestrator.Step{{Name: "a"}}}},
	}
	for _, tt := range tests {
		tt.o.Name = "x"
		url := func(string) string { return "" }
		for _, opts := range []orchestrator.RunOptions{{}, {Client: http.DefaultClient}, {URL: url}} {
			_, err := orchestrator.NewRun(&tt.o, opts)
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
			}
		}
		_, err := orchestrator.NewRun(&tt.o, orchestrator.RunOptions{Client: http.DefaultClient, URL: url})
		require.NoError(t, err)
	}
}
