package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A run in real time, in front of a server of one's own. In a test use package
// chaostest, which runs the same on virtual time.
func ExampleNewRun() {
	o := orchestrator.Orchestration{
		Name: "orders",
		Steps: []orchestrator.Step{
			{Name: "calm", Expect: []assert.Expectation{assert.ErrorRate().AtMost(0)}},
			{
				Name: "outage", Duration: time.Minute, ContinueOnFailure: true,
				Scenario: orchestrator.Scenario{Config: &injector.Config{
					FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)},
				}},
				Expect: []assert.Expectation{assert.ErrorRate().AtMost(0)},
			},
			{Name: "recovery", Expect: []assert.Expectation{assert.ErrorRate().AtMost(0)}},
		},
	}
	var url string
	var client *http.Client
	order := func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/orders", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if orchestrator.FailedStatus(resp.StatusCode) {
			return errors.New(resp.Status)
		}
		return nil
	}
	run, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{
		Body: func(step *orchestrator.ActiveStep) {
			_ = step.Do(order)
			step.Advance(step.Remaining()) // one order is enough
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	shop := httptest.NewServer(run.Injector().Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer shop.Close()
	url, client = shop.URL, &http.Client{Transport: run.Recording(http.DefaultTransport, nil)}

	result := run.Run(context.Background())
	for _, step := range result.Steps {
		fmt.Println(step.Name, step.State)
	}
	fmt.Println(result.Steps[1].Reason)
	fmt.Println(result)
	// Output:
	// calm passed
	// outage failed
	// recovery passed
	// client error rate = 100% (1 of 1 operation), want <= 0%
	// orders: failed: a tolerated step failed
}
