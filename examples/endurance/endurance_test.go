package endurance_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A cache refreshes a value and counts how often that worked. It keeps the
// last value when a refresh fails.
type cache struct {
	url    string
	client *http.Client

	mu     sync.Mutex
	value  string
	misses int
}

func (c *cache) refresh(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/price", nil)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || resp.StatusCode != http.StatusOK {
		c.misses++
		return err // the old value still serves
	}
	c.value = string(body)
	return nil
}

// The documented 24 hours, an hour an iteration, with one refresh a second:
// 86,400 requests through a real client and server. What a day of slow answers
// and rare errors leaves behind, such as a connection, a goroutine or a stale
// value, shows at its end.
func TestADay(t *testing.T) {
	var c *cache
	start := time.Now()
	chaostest.Run(t, "testdata/endurance_test.yaml", func(step *chaostest.Step) {
		step.Load(1, c.refresh)
		require.Equal(step, "42", c.value)
	}, chaostest.Setup(func(env *chaostest.Env) {
		c = &cache{url: env.URL, client: env.Client()}
	}), chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "42")
	})))
	require.Equal(t, 864, c.misses, "one refresh in a hundred fails, exactly")
	t.Logf("24 hours took %s", time.Since(start).Round(100*time.Millisecond))
}
