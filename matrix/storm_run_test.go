package matrix_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// A stormer has the clients of a storm. What they see is in the event log, as far
// as it is a matter of the product.
type stormer struct {
	env  *chaostest.Env
	dial []dialer
}

func lineEcho(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, l); err != nil {
			return
		}
	}
}

func webServer() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.Method == "GET" {
			_, _ = io.WriteString(w, strings.Repeat("order "+r.URL.Path+" ", 20))
			return
		}
		if len(b)%3 == 0 {
			w.WriteHeader(201)
		}
		for i := 0; i < len(b); i += 100 {
			_, _ = w.Write(b[i:min(len(b), i+100)])
			if f, ok := w.(http.Flusher); ok && len(b)%2 == 0 {
				f.Flush()
			}
		}
	})
}

func (s *stormer) setup() chaostest.Option {
	return chaostest.Setup(func(env *chaostest.Env) {
		s.env = env
		env.Serve("web", webServer())
		env.Serve("graph", shopServer())
		env.Serve("calls", (&desk{pace: 50 * time.Millisecond}).server())
		env.Serve("feed", coderEcho(make(chan told, 100000)))
		env.ServeConn("cache", lineEcho)
		s.dial = dialers(env.Client(), env.Target("feed").Dial)
	})
}

// call dials for calls of gRPC. Calls that wait for one connection go on in no
// order, so that each client has its own.
func (s *stormer) call(step *chaostest.Step) *grpc.ClientConn {
	target := s.env.Target("calls")
	const again = 140 * time.Millisecond
	conn, err := grpc.NewClient("passthrough:///desk", grpc.WithDisableRetry(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: again, Multiplier: 1, MaxDelay: again}, MinConnectTimeout: time.Second}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return target.Dial(ctx, "tcp", "") }))
	require.NoError(step, err)
	return conn
}

// A stormClient does the same things in each run.
type stormClient struct {
	*rand.Rand
	id   int
	conn *grpc.ClientConn
}

// upTo is a random time from 5 ms on.
func (c *stormClient) upTo(ms int) time.Duration {
	return time.Duration(5+c.IntN(ms-5)) * time.Millisecond
}

// body has three clients for each target, which give up now and then.
func (s *stormer) body(step *chaostest.Step) {
	index := uint64(step.Spec.Name[1] - '0')
	var all sync.WaitGroup
	for kind, do := range []func(context.Context, *chaostest.Step, *stormClient) error{s.web, s.calls, s.feed, s.graph, s.cache} {
		for n := range 3 {
			id := 3*kind + n
			c := &stormClient{Rand: rand.New(rand.NewPCG(uint64(id)<<8|index, uint64(step.Iteration))), id: id, conn: s.call(step)}
			all.Go(func() {
				defer c.conn.Close()
				time.Sleep(time.Duration(int(index)*100+id+1) * 100 * time.Nanosecond)
				for step.Context().Err() == nil && step.Clock().Remaining() > 0 {
					ctx, cancel := context.WithTimeout(step.Context(), time.Duration(100+c.IntN(900))*time.Millisecond+time.Duration(id*7+3))
					_ = do(ctx, step, c) // the event log has it
					cancel()
					time.Sleep(c.upTo(65) + 1)
				}
			})
		}
	}
	all.Wait()
}
