package matrix_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A cache of kind tcp that is slow, then too slow, then breaks connections,
// then is gone, and comes back.
func cacheOutage(length time.Duration) orchestrator.Orchestration {
	toxic := func(name string, x injector.Toxic) orchestrator.Step {
		return orchestrator.Step{Name: name, Duration: length, Scenario: orchestrator.Scenario{Config: &injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{x}}}}}
	}
	latency := func(d time.Duration) injector.Toxic {
		return injector.Toxic{Type: injector.ToxicLatency, Attributes: injector.ToxicAttributes{Latency: d}}
	}
	return orchestrator.Orchestration{
		Name: "cache outage", Targets: map[string]orchestrator.Target{"cache": {Kind: orchestrator.TCP}},
		Steps: []orchestrator.Step{
			quiet("calm", length), toxic("slow", latency(20*time.Millisecond)), toxic("too_slow", latency(10*time.Second)),
			toxic("resets", injector.Toxic{Type: injector.ToxicReset}), toxic("down", injector.Toxic{Type: injector.ToxicDown}), quiet("healed", length),
		},
	}
}

// hurry is less than what is too slow takes.
const hurry = 100 * time.Millisecond

// redisClient is a client that tries once, so that each call shows its error.
func redisClient(target *chaostest.Target, patience time.Duration) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: target.Addr, Dialer: target.Dial, ReadTimeout: patience,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	})
}

// useCache is what a step of the outage does, on virtual time and off it. resets
// and downs are what a reset, and a target that is down, may look like.
func useCache(step *chaostest.Step, client *redis.Client, resets, downs []error) {
	start := time.Now()
	err := step.Do(func(ctx context.Context) error { return client.Set(ctx, "step", step.Spec.Name, 0).Err() })
	took := time.Since(start)
	var timeout net.Error
	switch step.Spec.Name {
	case "calm", "healed":
		require.NoError(step, err)
		value, err := client.Get(step.Context(), "step").Result()
		require.NoError(step, err)
		require.Equal(step, step.Spec.Name, value)
	case "slow":
		require.NoError(step, err)
		require.GreaterOrEqual(step, took, 20*time.Millisecond-grid)
	case "too_slow":
		require.ErrorAs(step, err, &timeout)
		require.True(step, timeout.Timeout(), err)
		require.GreaterOrEqual(step, took, hurry)
	case "resets":
		requireOneOf(step, err, resets)
	case "down":
		requireOneOf(step, err, downs)
	}
}

func requireOneOf(t require.TestingT, err error, targets []error) {
	require.True(t, slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) }), "%v", err)
}

// Not parallel: go-redis keeps timers in a pool of the process, which must not
// be those of another run.
func TestGoRedis(t *testing.T) {
	var client *redis.Client
	chaostest.RunOrchestration(t, cacheOutage(10*time.Second), func(step *chaostest.Step) {
		useCache(step, client, []error{syscall.ECONNRESET}, []error{syscall.ECONNREFUSED})
	}, chaostest.Setup(func(env *chaostest.Env) {
		serveRedis(env, env.Listen("cache"))
		client = redisClient(env.Target("cache"), hurry)
		env.Cleanup(func() { _ = client.Close() })
	}))
}

// Parallel tests run when the others are over: this one meets no virtual time of
// go-redis.
func TestGoRedisOverTheServer(t *testing.T) {
	t.Parallel()
	cache := miniredis.RunT(t)
	s, err := server.New(server.Options{Port: server.AnyPort, Chaos: true, Logger: slog.New(slog.DiscardHandler),
		Targets: []server.Target{{Name: "cache", Upstream: "tcp://" + cache.Addr(), Port: server.AnyPort}}})
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, end := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { _ = s.Run(ctx) })
	defer ended.Wait()
	defer end()
	var client *redis.Client
	chaostest.RunOrchestration(t, cacheOutage(3*time.Second), func(step *chaostest.Step) {
		// A real reset is told once, to whoever looks first, such as go-redis'
		// check of idle connections; and a real server is connected to before
		// it can refuse.
		resets := []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF}
		c := client
		if step.Spec.Name == "too_slow" {
			c = client.WithTimeout(hurry) // on the same connections
		}
		useCache(step, c, resets, append(resets, syscall.ECONNREFUSED))
	}, chaostest.Remote(s.URL()), chaostest.Setup(func(env *chaostest.Env) {
		client = redisClient(env.Target("cache"), time.Minute) // a real answer may be late by itself
		env.Cleanup(func() { _ = client.Close() })
	}))
	require.NotZero(t, cache.TotalConnectionCount())
}

// serveRedis is a Redis server in the process that takes its connections from
// a listener.
func serveRedis(env *chaostest.Env, l net.Listener) {
	cache := miniredis.NewMiniRedis()
	first, err := cache.Dial() // it starts without a listener of its own
	require.NoError(env, err)
	require.NoError(env, first.Close())
	env.Cleanup(cache.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			cache.Server().ServeConn(c)
		}
	}()
}
