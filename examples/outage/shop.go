// Package outage is a shop's product page: what a product is comes from an
// API, and how many of it are left from a database. It knows nothing of chaos.
package outage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A Shop shows products. It is safe for concurrent use.
type Shop struct {
	api, database string
	client        *http.Client
	breaker       *gobreaker.CircuitBreaker[string]

	mu   sync.Mutex
	last map[string]string // what the API said last, by product
}

// New returns a shop with an API and a database at their base URLs. onBreaker
// is told the new state of the breaker in front of the database.
func New(api, database string, client *http.Client, onBreaker func(state string)) *Shop {
	timed := *client
	timed.Timeout = 2 * time.Second
	return &Shop{
		api: api, database: database, client: &timed, last: map[string]string{},
		breaker: gobreaker.NewCircuitBreaker[string](gobreaker.Settings{
			Name:          "database",
			Timeout:       5 * time.Second,
			ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
			OnStateChange: func(_ string, _, to gobreaker.State) { onBreaker(to.String()) },
		}),
	}
}

// Page is a product's page. A product that was seen before is shown even when
// the API does not answer. Stock is left out while the database is known to be
// in trouble, so that the page comes at once.
func (s *Shop) Page(ctx context.Context, product string) (string, error) {
	description, err := s.describe(ctx, product)
	if err != nil {
		return "", err
	}
	stock, err := s.breaker.Execute(func() (string, error) { return s.get(ctx, s.database+"/stock/"+product) })
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return description, nil
	case err != nil:
		return "", err
	}
	return description + ", " + stock + " left", nil
}

func (s *Shop) describe(ctx context.Context, product string) (string, error) {
	said, err := s.get(ctx, s.api+"/products/"+product)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.last[product] = said
		return said, nil
	}
	if old, ok := s.last[product]; ok {
		return old, nil
	}
	return "", err
}

func (s *Shop) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return string(body), nil
}
