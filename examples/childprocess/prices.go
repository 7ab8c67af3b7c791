// Package childprocess is a price service that runs in a process of its own:
// it asks an inventory for prices and keeps the last one for when the inventory
// is in trouble. It knows nothing of chaos.
package childprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Main is the process: it serves until its standard input ends, which it also
// does when the parent dies. The first line of its output is its URL. It
// returns the exit code.
func Main(inventory string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server := &http.Server{Handler: New(inventory), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println("http://" + l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Prices answers every request with a price. It is safe for concurrent use.
type Prices struct {
	inventory string
	client    *http.Client
	breaker   *gobreaker.CircuitBreaker[string]

	mu   sync.Mutex
	last string
}

// New returns a service that asks the inventory at a base URL.
func New(inventory string) *Prices {
	return &Prices{
		inventory: inventory,
		client:    &http.Client{Timeout: 3 * time.Second},
		breaker: gobreaker.NewCircuitBreaker[string](gobreaker.Settings{
			Timeout:     500 * time.Millisecond,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		}),
	}
}

// ServeHTTP answers with a fresh price, or with the last one, marked as stale.
func (p *Prices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	price, err := p.breaker.Execute(func() (string, error) { return p.ask(r.Context()) })
	p.mu.Lock()
	if err == nil {
		p.last = price
	}
	price = p.last
	p.mu.Unlock()
	switch {
	case price == "":
		http.Error(w, "no price is known", http.StatusServiceUnavailable)
		return
	case err != nil:
		w.Header().Set("Warning", `110 - "Response is Stale"`)
	}
	_, _ = io.WriteString(w, price)
}

func (p *Prices) ask(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.inventory+"/price", nil)
	if err != nil {
		return "", err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("inventory: %s", resp.Status)
	}
	price, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return string(price), err
}
