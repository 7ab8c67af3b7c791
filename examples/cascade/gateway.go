// Package cascade is a gateway that repeats what fails, with and without a
// budget for its retries.
package cascade

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// A Gateway asks a service for its feed. It is safe for concurrent use.
type Gateway struct {
	URL    string
	Client *http.Client
	Tries  int           // at most, for one call
	Budget *rate.Limiter // a token a retry, for all calls together; nil: no limit
}

// Feed gets the feed, and tries again after 50 ms, 100 ms, 200 ms, …
func (g *Gateway) Feed(ctx context.Context) error {
	for try := 1; ; try++ {
		err := g.get(ctx)
		if err == nil || try >= g.Tries || g.Budget != nil && !g.Budget.Allow() {
			return err
		}
		time.Sleep(25 * time.Millisecond << try)
	}
}

func (g *Gateway) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+"/feed", nil)
	if err != nil {
		return err
	}
	resp, err := g.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
