package chaostest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// document is an orchestration of the given steps.
func document(steps ...orchestrator.Step) orchestrator.Orchestration {
	return orchestrator.Orchestration{Name: "orders", Steps: steps}
}

// quiet is a step that injects nothing.
func quiet(name string, d time.Duration) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: d}
}

// chaos is a step that injects what the config says.
func chaos(name string, d time.Duration, c injector.Config) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: d, Scenario: orchestrator.Scenario{Config: &c}}
}

// erring is a config with which a share of the requests fail with 503.
func erring(p float64) injector.Config {
	return injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &p}}
}

// slow is a config that delays every request.
func slow(d time.Duration) injector.Config {
	return injector.Config{Latency: &injector.Latency{FixedDelay: d}}
}

// in takes a body through one step and returns the event log's path.
func in(t *testing.T, step orchestrator.Step, body func(step *chaostest.Step), opts ...chaostest.Option) {
	t.Helper()
	ran := false
	chaostest.RunOrchestration(t, document(step), func(step *chaostest.Step) {
		ran = true
		body(step)
	}, opts...)
	require.True(t, ran, "the body did not run")
}

// get asks for a page with a client and reads it to its end.
func get(ctx context.Context, client *http.Client, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	return send(client, req)
}

func send(client *http.Client, req *http.Request) (status int, body string, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// order is an operation that fails as most callers do: on an error or a 5xx.
func order(client *http.Client, url string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		status, _, err := get(ctx, client, url+"/orders")
		if err == nil && status >= 500 {
			err = errors.New(http.StatusText(status))
		}
		return err
	}
}

// says is a handler that answers a text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// tolerant is a quiet step whose failure does not end the run.
func tolerant(name string, d time.Duration) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: d, ContinueOnFailure: true}
}
