package cascade_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A gateway asks a service behind it and repeats what fails, within a budget of
// retries for all its callers.
type gateway struct {
	url    string
	client *http.Client
	tries  int
	budget chan struct{} // a token a retry; nil: no limit
}

func (g *gateway) fetch(ctx context.Context) error {
	for try := 0; ; try++ {
		err := g.once(ctx)
		if err == nil || try+1 == g.tries || !g.mayRetry() {
			return err
		}
		time.Sleep(50 * time.Millisecond << try)
	}
}

func (g *gateway) mayRetry() bool {
	if g.budget == nil {
		return true
	}
	select {
	case <-g.budget:
		return true
	default:
		return false
	}
}

func (g *gateway) once(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/feed", nil)
	if err != nil {
		return err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// Two layers at once: the network slows down, and while it does the service
// starts to fail. Without a budget every caller repeats its call four times and
// the load doubles when the service can bear it least: attempts_per_operation
// catches the storm. With a budget of retries the same document holds.
func TestRetryBudgetPreventsAStorm(t *testing.T) {
	g := &gateway{tries: 5}
	chaostest.Run(t, "testdata/cascade.yaml", nil, chaostest.Setup(func(env *chaostest.Env) {
		g.url, g.client, g.budget = env.URL, env.Client(), make(chan struct{}, 10)
		env.Load(50, g.fetch)
		ctx := env.Context()
		go func() { // five retries a second, whatever fails
			tick := time.NewTicker(200 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					select {
					case g.budget <- struct{}{}:
					default:
					}
				case <-ctx.Done():
					return
				}
			}
		}()
	}))
}

// ExampleRun_cascade would print the order of layers; see the document.
var _ = fmt.Sprint
