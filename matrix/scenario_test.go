package matrix_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/stretchr/testify/require"
)

// grid is by how much a response may leave late, see docs/virtual-time.md.
const grid = 20 * time.Microsecond

// requireAfter checks that something took want, and at most the grid of some
// requests more.
func requireAfter(t require.TestingT, want, got time.Duration, requests int) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	require.GreaterOrEqual(t, got, want)
	require.LessOrEqual(t, got, want+time.Duration(requests)*grid)
}

// quiet is a step of the given length in which nothing goes wrong.
func quiet(name string, d time.Duration) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: d}
}

// slow is a step in which every request takes d longer.
func slow(name string, d, length time.Duration) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: length, Scenario: orchestrator.Scenario{
		Config: &injector.Config{Latency: &injector.Latency{FixedDelay: d}},
	}}
}

// outage is a step in which every request is answered 503.
func outage(name string, length time.Duration) orchestrator.Step {
	always := 1.0
	return orchestrator.Step{Name: name, Duration: length, Scenario: orchestrator.Scenario{
		Config: &injector.Config{FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{http.StatusServiceUnavailable}, HTTPErrorProbability: &always,
		}},
	}}
}

func document(steps ...orchestrator.Step) orchestrator.Orchestration {
	return orchestrator.Orchestration{Name: "matrix", Steps: steps}
}

// fetch gets a URL, reads the body, and makes an error of any status but 200.
func fetch(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return resp, fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp, nil
}
