// Package failing holds tests that fail on purpose. The golden tests of
// package chaostest run them and pin what a user sees.
package failing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A caller is the code under test: no retries, no patience.
type caller struct {
	url    string
	client *http.Client
}

func (c *caller) order(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/orders", nil)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (c *caller) setup() chaostest.Option {
	return chaostest.Setup(func(env *chaostest.Env) { c.url, c.client = env.URL, env.Client() })
}

func TestErrorRate(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		step.Load(10, c.order)
		step.Expect(assert.ErrorRate().AtMost(0.05))
	}, c.setup())
}

func TestLatency(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		step.Load(10, c.order)
		step.Expect(assert.P99().AtMost(100 * time.Millisecond))
	}, c.setup())
}

func TestDocumentExpectation(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/expects.yaml", func(step *chaostest.Step) { step.Load(10, c.order) }, c.setup())
}

func TestBreakerNeverOpens(t *testing.T) {
	var c caller
	var breaker *gobreaker.CircuitBreaker[any]
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		step.Load(10, func(ctx context.Context) error {
			_, err := breaker.Execute(func() (any, error) { return nil, c.order(ctx) })
			return err
		})
		step.Expect(assert.CircuitBreaker("orders").Becomes(assert.Open))
	}, c.setup(), chaostest.Setup(func(env *chaostest.Env) {
		push := env.Track("orders")
		breaker = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
			ReadyToTrip:   func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= 20 },
			OnStateChange: func(_ string, _, to gobreaker.State) { push(to.String()) },
		})
	}))
}

func TestRecoveryTooLate(t *testing.T) {
	var c caller
	var breaker *gobreaker.CircuitBreaker[any]
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		step.Load(10, func(ctx context.Context) error {
			_, err := breaker.Execute(func() (any, error) { return nil, c.order(ctx) })
			return err
		})
		if step.Spec.Name == "recovery" {
			step.Expect(assert.Recovers().Within(10 * time.Second))
		}
	}, c.setup(), chaostest.Setup(func(env *chaostest.Env) {
		push := env.Track("orders")
		breaker = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
			Timeout:       25 * time.Second,
			OnStateChange: func(_ string, _, to gobreaker.State) { push(to.String()) },
		})
	}))
}

func TestZeroSamples(t *testing.T) {
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		step.Expect(assert.ErrorRate().AtMost(0.05))
	})
}

func TestPanic(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		var orders map[string]int
		orders["first"]++
	})
}

func TestFatal(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		step.Clock().Advance(2 * time.Second)
		step.Fatalf("no orders after %s", step.Clock().Elapsed())
	})
}

func TestRequire(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		_ = step.Do(c.order)
		step.Require(assert.Operations().AtLeast(2))
		step.Error("not reached")
	}, c.setup())
}

func TestStuck(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		if step.Spec.Name == "outage" {
			<-make(chan int)
		}
	})
}

func TestIgnoresTheEnd(t *testing.T) {
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		for range 100_000 {
			time.Sleep(time.Second)
		}
	})
}

func TestRealSocket(t *testing.T) {
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			step.Fatal(err)
		}
		_, _ = l.Accept() // nobody ever dials
	})
}

func TestLeak(t *testing.T) {
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {}, chaostest.Setup(func(env *chaostest.Env) {
		work := make(chan int)
		go worker(work)
	}))
}

func worker(work chan int) {
	for range work {
	}
}

func TestUnknownStep(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", chaostest.ByName(map[string]func(*chaostest.Step){
		"outage":   func(step *chaostest.Step) {},
		"recovry":  func(step *chaostest.Step) {},
		"recovery": func(step *chaostest.Step) {},
	}))
}

func TestEndlessLoop(t *testing.T) {
	chaostest.RunOrchestration(t, orchestrator.Orchestration{
		Name: "for ever", Loop: true,
		Steps: []orchestrator.Step{{Name: "tick", Duration: time.Second}},
	}, func(step *chaostest.Step) {})
}

func TestEndlessLoopWithoutBody(t *testing.T) {
	chaostest.RunOrchestration(t, orchestrator.Orchestration{
		Name: "for ever", Loop: true,
		Steps: []orchestrator.Step{{Name: "tick", Duration: time.Second}},
	}, nil)
}

func TestInvalidDocument(t *testing.T) {
	chaostest.Run(t, "testdata/invalid.yaml", func(step *chaostest.Step) {})
}

func TestOuterFatal(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		time.Sleep(time.Second)
		t.Fatal("the outer t")
	})
}

func TestFatalInLoad(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		step.Load(10, func(ctx context.Context) error {
			if err := c.order(ctx); err != nil {
				step.Fatalf("order: %v", err)
			}
			return nil
		})
	}, c.setup())
}

func TestSetupFails(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {}, chaostest.Setup(func(env *chaostest.Env) {
		env.Target("orders")
		env.Fatal("no database")
	}))
}

func TestNotReached(t *testing.T) {
	chaostest.Run(t, "testdata/sequence.yaml", func(step *chaostest.Step) {
		if step.Spec.Name == "outage" {
			step.Error("the outage is too much")
		}
	})
}

func TestRunExpectation(t *testing.T) {
	var c caller
	chaostest.RunOrchestration(t, orchestrator.Orchestration{
		Name: "whole", Expect: []assert.Expectation{assert.MustParse("error_rate <= 1%")},
		Steps: []orchestrator.Step{{Name: "errors", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{
			Config: &injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}}},
		}}},
	}, func(step *chaostest.Step) { step.Load(20, c.order) }, c.setup())
}

func TestReplayDiffers(t *testing.T) {
	chaostest.Replay(t, "testdata/otherengine.chaos.jsonl", nil, chaostest.ReplayVerify())
}

func TestReplayOfAnother(t *testing.T) {
	chaostest.Replay(t, "testdata/tiny.chaos.jsonl", nil, chaostest.ReplayOf("testdata/outage.yaml"))
}

func TestReplayOfLaterFormat(t *testing.T) {
	chaostest.Replay(t, "testdata/later.chaos.jsonl", nil)
}

func TestReplayStrict(t *testing.T) {
	chaostest.Replay(t, "testdata/tiny.chaos.jsonl", func(step *chaostest.Step) {
		for _, path := range []string{"/orders", "/orders", "/new"} {
			resp, err := step.Client().Get(step.URL + path)
			if err == nil {
				resp.Body.Close()
			}
		}
	}, chaostest.ReplayStrict())
}

func TestReplayOptionOutsideOfReplay(t *testing.T) {
	chaostest.Run(t, "testdata/outage.yaml", nil, chaostest.ReplayPin())
}

// TestPasses comes last: what fails before it must not keep it from running.
func TestPasses(t *testing.T) {
	var c caller
	chaostest.Run(t, "testdata/peak.yaml", func(step *chaostest.Step) {
		step.Load(10, c.order)
		step.Expect(assert.Operations().AtLeast(300))
	}, c.setup())
	fmt.Println("the last test ran")
}
