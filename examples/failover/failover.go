// Package failover is a catalogue that two regions serve, and a client that
// goes to the other one when the first is slow, failing or gone. It knows
// nothing of chaos.
package failover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// patience is what one region gets for one answer. A region that needs longer
// counts as failed: the next one answers sooner than this one would.
const patience = 150 * time.Millisecond

// A Region is one place that serves everything.
type Region struct{ Name, URL string }

// A Client asks the first region that is well. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	regions []guarded
	serving atomic.Value // string
}

// A guarded region has a breaker in front of it, which remembers that it is
// not well.
type guarded struct {
	Region
	breaker *gobreaker.CircuitBreaker[string]
}

// New returns a client of regions, the preferred one first; there is at least
// one. onBreaker is told the new state of the breaker of a region.
func New(client *http.Client, onBreaker func(region, state string), regions ...Region) *Client {
	c := &Client{http: client}
	c.serving.Store(regions[0].Name)
	for _, r := range regions {
		c.regions = append(c.regions, guarded{r, gobreaker.NewCircuitBreaker[string](gobreaker.Settings{
			Name:          r.Name,
			Timeout:       5 * time.Second,
			ReadyToTrip:   func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= 3 },
			IsSuccessful:  func(err error) bool { return err == nil || errors.Is(err, context.Canceled) },
			OnStateChange: func(region string, _, to gobreaker.State) { onBreaker(region, to.String()) },
		})})
	}
	return c
}

// Serving is the name of the region that gave the last answer; before the
// first, of the preferred one.
func (c *Client) Serving() string { return c.serving.Load().(string) }

// Product gets a product from the first region that is well, and from the next
// where that one fails. Where no breaker lets a call through or the answer was
// an error, the regions that were left out are asked after all: a guess is
// better than no answer.
func (c *Client) Product(ctx context.Context, id string) (string, error) {
	var failures []error
	var skipped []guarded
	for _, r := range c.regions {
		answer, err := r.breaker.Execute(func() (string, error) { return c.get(ctx, r.Region, id) })
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
			skipped = append(skipped, r)
		default:
			failures = append(failures, err)
		}
	}
	for _, r := range skipped {
		answer, err := c.get(ctx, r.Region, id)
		if err == nil {
			return answer, nil
		}
		failures = append(failures, err)
	}
	return "", errors.Join(failures...)
}

func (c *Client) get(ctx context.Context, from Region, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.URL+"/products/"+id, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("%s: %w", from.Name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return "", fmt.Errorf("%s: %w", from.Name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", from.Name, resp.Status)
	}
	c.serving.Store(from.Name)
	return string(body), nil
}
