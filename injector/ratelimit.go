package injector

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBuckets bounds how many clients or endpoints one limiter remembers. The
// bucket that was used longest ago makes room.
const maxBuckets = 8192

// A limiter is the rate limit of one layer and target.
type limiter struct {
	limit rate.Limit
	burst int

	mu       sync.Mutex
	shared   *rate.Limiter // nil when there are buckets for clients or endpoints
	client   *buckets
	endpoint *buckets
}

func newLimiter(c *RateLimit) *limiter {
	l := &limiter{limit: rate.Limit(positive(c.RequestsPerSecond, 100)), burst: positive(c.BurstSize, 10)}
	if math.IsInf(float64(l.limit), 1) {
		l.limit = rate.Inf
	}
	if c.PerIP {
		l.client = newBuckets()
	}
	if c.PerEndpoint {
		l.endpoint = newBuckets()
	}
	if !c.PerIP && !c.PerEndpoint {
		l.shared = rate.NewLimiter(l.limit, l.burst)
	}
	return l
}

// allow takes a token for a request that came now from every bucket that it
// belongs to, or none where one of them is empty; then it says after how long
// there will be one.
func (l *limiter) allow(now time.Time, r *http.Request, client netip.Addr) (ok bool, retry time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var of [3]*rate.Limiter
	held := of[:0]
	if l.shared != nil {
		held = append(held, l.shared)
	}
	if l.client != nil {
		held = append(held, l.client.get(client.String(), l))
	}
	if l.endpoint != nil {
		held = append(held, l.endpoint.get(endpoint(r), l))
	}
	for _, b := range held {
		if tokens := b.TokensAt(now); tokens < 1 {
			retry = max(retry, rounded((1-tokens)/float64(l.limit)*float64(time.Second)))
		}
	}
	if retry > 0 {
		return false, retry
	}
	for _, b := range held {
		b.AllowN(now, 1)
	}
	return true, 0
}

// buckets are the limiters of many clients or endpoints, the last used first.
type buckets struct {
	byName map[string]*list.Element
	order  *list.List
}

type bucket struct {
	name string
	*rate.Limiter
}

func newBuckets() *buckets {
	return &buckets{byName: map[string]*list.Element{}, order: list.New()}
}

func (b *buckets) get(name string, l *limiter) *rate.Limiter {
	if e, ok := b.byName[name]; ok {
		b.order.MoveToFront(e)
		return e.Value.(*bucket).Limiter
	}
	if len(b.byName) >= maxBuckets {
		last := b.order.Back()
		delete(b.byName, last.Value.(*bucket).name)
		b.order.Remove(last)
	}
	made := &bucket{name, rate.NewLimiter(l.limit, l.burst)}
	b.byName[name] = b.order.PushFront(made)
	return made.Limiter
}
