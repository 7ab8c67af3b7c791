package multiprotocol

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// A StatusError is an answer of the orders service that is no success.
type StatusError int

func (e StatusError) Error() string {
	return fmt.Sprintf("orders: %d %s", int(e), http.StatusText(int(e)))
}

// Order reads an order.
func (s *Storefront) Order(ctx context.Context, id string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.orders+"/orders/"+id, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = StatusError(resp.StatusCode)
	}
	return string(body), err
}
