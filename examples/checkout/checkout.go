// Package checkout is a small checkout service such as a shop has: it reserves
// stock, then takes the payment. It knows nothing of chaos or of virtual time.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// ErrPaymentsDown is returned while the circuit breaker keeps calls away from
// the payment provider.
var ErrPaymentsDown = errors.New("payments are down, try again later")

// A Service checks out orders. It is safe for concurrent use.
type Service struct {
	payments  string
	inventory string
	client    *retryablehttp.Client
	limiter   *rate.Limiter
	breaker   *gobreaker.CircuitBreaker[struct{}]
	stock     atomic.Int64 // the last known, for when the inventory does not answer
}

// New returns a service that calls payments and inventory at their base URLs
// with the given client. onBreaker is told the breaker's new state; nil is
// allowed.
func New(payments, inventory string, client *http.Client, onBreaker func(state string)) *Service {
	timed := *client
	timed.Timeout = 2 * time.Second
	retry := retryablehttp.NewClient()
	retry.HTTPClient = &timed
	retry.Logger = nil
	retry.RetryMax = 2
	retry.RetryWaitMin = 100 * time.Millisecond
	retry.RetryWaitMax = time.Second
	retry.ErrorHandler = retryablehttp.PassthroughErrorHandler
	s := &Service{payments: payments, inventory: inventory, client: retry, limiter: rate.NewLimiter(40, 10)}
	s.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        "payments",
		Timeout:     5 * time.Second,
		MaxRequests: 3,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if onBreaker != nil {
				onBreaker(to.String())
			}
		},
	})
	s.stock.Store(1)
	return s
}

// Checkout sells one item.
func (s *Service) Checkout(ctx context.Context) error {
	if err := s.limiter.Wait(ctx); err != nil {
		return err
	}
	if s.reserve(ctx) <= 0 {
		return errors.New("out of stock")
	}
	_, err := s.breaker.Execute(func() (struct{}, error) {
		return struct{}{}, s.call(ctx, http.MethodPost, s.payments+"/charges", nil)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return ErrPaymentsDown
	}
	return err
}

// reserve asks the inventory, and falls back on what it said last.
func (s *Service) reserve(ctx context.Context) int64 {
	var left int64
	if err := s.call(ctx, http.MethodGet, s.inventory+"/stock", &left); err != nil {
		return s.stock.Load()
	}
	s.stock.Store(left)
	return left
}

func (s *Service) call(ctx context.Context, method, url string, answer *int64) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	if answer == nil {
		return nil
	}
	_, err = fmt.Sscan(string(body), answer)
	return err
}
