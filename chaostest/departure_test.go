package chaostest_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A client that leaves ends the delay that it is in, whatever its request's
// body: net/http by itself notices only once the body was read. A bulkhead of
// one shows when its request is over: the next one gets in.
func TestClientLeavesDuringADelay(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 4<<20)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for name, body := range map[string]func() *http.Request{
			"no body":      func() *http.Request { return newRequest(http.MethodGet, nil) },
			"a small body": func() *http.Request { return newRequest(http.MethodPost, strings.NewReader("small")) },
			"a large body": func() *http.Request { return newRequest(http.MethodPost, bytes.NewReader(large)) },
			"a chunked body": func() *http.Request {
				return newRequest(http.MethodPost, struct{ *bytes.Reader }{bytes.NewReader(large)})
			},
			"an expectation": func() *http.Request {
				req := newRequest(http.MethodPost, bytes.NewReader(large))
				req.Header.Set("Expect", "100-continue")
				return req
			},
		} {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				t.Parallel()
				config := injector.Config{Latency: &injector.Latency{FixedDelay: 20 * time.Second}, Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(0)}}
				faulty(t, config, nil, func(step *chaostest.Step, target *chaostest.Target) {
					req := body()
					req.URL.Host = strings.TrimPrefix(step.URL, "http://")
					impatient := &http.Client{Transport: over(protocol, target), Timeout: time.Second}
					r := fetch(impatient, req)
					require.ErrorIs(step, r.err, context.DeadlineExceeded)
					step.Clock().Advance(time.Second)
					r = fetch(&http.Client{Transport: over(protocol, target)}, request(step, http.MethodGet, step.URL, nil))
					require.NoError(step, r.err)
					require.Equal(step, http.StatusOK, r.status, "the request whose client left is still in the way")
				})
			})
		}
	}
}

func newRequest(method string, body interface{ Read([]byte) (int, error) }) *http.Request {
	req, err := http.NewRequest(method, "http://target/upload", body)
	if err != nil {
		panic(err) // the arguments are literals
	}
	return req
}

// What waits without a computed end goes on when the layer goes, as if the
// link had healed.
func TestPartitionHealsWithItsStep(t *testing.T) {
	t.Parallel()
	partition := chaos("partition", 30*time.Second, injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}})
	chaostest.RunOrchestration(t, orchestrator.Orchestration{Name: "link", Steps: []orchestrator.Step{partition, quiet("healed", time.Minute)}}, func(step *chaostest.Step) {
		if step.Spec.Name == "partition" {
			step.Clock().Advance(5 * time.Second)
			r := fetch(step.Client(), request(step, http.MethodGet, step.URL, nil))
			require.NoError(step, r.err)
			require.Equal(step, "well", r.body)
			require.InDelta(step, 25, r.took.Seconds(), 0.001)
		}
	}, chaostest.Upstream(says("well")))
}
