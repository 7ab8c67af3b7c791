package matrix_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/stretchr/testify/require"
)

func TestHTTP1(t *testing.T) {
	t.Parallel()
	chaostest.Run(t, "testdata/http1.yaml", func(step *chaostest.Step) {
		client := *step.Client()
		client.Timeout = 2 * time.Second
		get := func() (*http.Response, time.Duration, error) {
			began := time.Now()
			resp, err := fetch(step.Context(), &client, step.URL+"/orders")
			return resp, time.Since(began), err
		}
		resp, took, err := get()
		switch step.Spec.Name {
		case "quiet":
			require.NoError(step, err)
			require.Equal(step, "HTTP/1.1", resp.Proto)
			requireAfter(step, 0, took, 1)
		case "slow":
			require.NoError(step, err)
			requireAfter(step, 300*time.Millisecond-grid, took, 2)
		case "unavailable":
			require.EqualError(step, err, "status 503")
			requireAfter(step, 0, took, 1)
		case "reset":
			require.ErrorIs(step, err, syscall.ECONNRESET)
		case "partial":
			require.ErrorIs(step, err, io.ErrUnexpectedEOF)
		case "partition":
			// Silence: only the client's own time-out ends it, on the dot.
			require.ErrorIs(step, err, context.DeadlineExceeded)
			require.Equal(step, 2*time.Second, took)
		case "healed":
			require.NoError(step, err)
		default:
			step.Fatalf("no expectation for step %s", step.Spec.Name)
		}
	}, chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("an order\n", 100))
	})))
}

func TestHTTP1CallerGivesUp(t *testing.T) {
	t.Parallel()
	departed := make(chan time.Duration, 1)
	upstream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		departed <- time.Since(began)
	})
	chaostest.RunOrchestration(t, document(quiet("hanging", time.Minute)), func(step *chaostest.Step) {
		ctx, cancel := context.WithTimeout(step.Context(), 3*time.Second)
		defer cancel()
		_, err := fetch(ctx, step.Client(), step.URL)
		require.ErrorIs(step, err, context.DeadlineExceeded)
	}, chaostest.Upstream(upstream))
	requireAfter(t, 3*time.Second-grid, <-departed, 2)
}

func TestHTTP1Load(t *testing.T) {
	t.Parallel()
	tenth := 0.1
	o := document(quiet("baseline", 10*time.Second), orchestrator.Step{
		Name: "errors", Duration: 20 * time.Second, Scenario: orchestrator.Scenario{
			Config: &injector.Config{FaultInjection: &injector.FaultInjection{
				HTTPErrors: []int{http.StatusInternalServerError}, HTTPErrorProbability: &tenth,
			}},
		},
	})
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Load(50, func(ctx context.Context) error {
			_, err := fetch(ctx, step.Client(), step.URL)
			return err
		})
		if step.Spec.Name == "baseline" {
			step.Expect(assert.ErrorRate().Equal(0), assert.Operations().Equal(500))
			return
		}
		step.Expect(assert.ErrorRate().Equal(0.1), assert.Operations().Equal(1000), assert.Injected(injector.KindHTTPError).Near(0.1))
	})
}

// A server's own time-outs are on virtual time too.
func TestHTTP1ServerTimeouts(t *testing.T) {
	t.Parallel()
	chaostest.RunOrchestration(t, document(quiet("slow loris", time.Minute)), func(step *chaostest.Step) {
		l := newPipeListener()
		server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
		defer server.Close()
		go func() { _ = server.Serve(l) }() // ends with Close
		conn, err := l.DialContext(step.Context(), "", "")
		require.NoError(step, err)
		defer conn.Close()
		began := time.Now()
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n")
		require.NoError(step, err)
		_, err = io.ReadAll(conn)
		require.NoError(step, err)
		require.Equal(step, 5*time.Second, time.Since(began))
	})
}
