package chaostest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// toxic is a step in which toxics act on connections.
func toxic(name string, d time.Duration, toxics ...injector.Toxic) orchestrator.Step {
	return chaos(name, d, injector.Config{TCP: &injector.TCP{Toxics: toxics}})
}

// talkers are clients of two targets that keep their connections until they
// break. Only their starts differ, by less than a microsecond.
type talkers struct {
	env *chaostest.Env

	mu  sync.Mutex
	log []string // what the clients saw
}

func (c *talkers) talk(step *chaostest.Step) {
	start := time.Now()
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			time.Sleep(time.Duration(i) * 100 * time.Nanosecond)
			target := c.env.Target([]string{"cache", "queue"}[i%2])
			var conn net.Conn
			for n := 0; step.Context().Err() == nil; n++ {
				var seen string
				err := step.Do(func(ctx context.Context) (err error) {
					if conn == nil {
						if conn, err = target.Dial(ctx, "tcp", ""); err != nil {
							conn = nil
							return err
						}
					}
					if err = conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
						return err
					}
					seen, err = exchange(conn, fmt.Sprintf("client %d says %d", i, n))
					return err
				})
				c.saw("%s %v c%d n%d %q %v", step.Spec.Name, time.Since(start), i, n, seen, errors.Unwrap(err))
				if err != nil && conn != nil {
					_ = conn.Close() // it is broken
					conn = nil
				}
				time.Sleep(20 * time.Millisecond)
			}
			if conn != nil {
				_ = conn.Close() // it was read to its end
			}
		})
	}
	clients.Wait()
}

func (c *talkers) saw(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, fmt.Sprintf(format, args...))
}

func (c *talkers) run(t *testing.T) (events, seen string) {
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	chaostest.Run(t, "testdata/toxics.yaml", c.talk, chaostest.Seed(7), chaostest.EventLog(path), chaostest.Setup(func(env *chaostest.Env) {
		c.env = env
		env.ServeConn("cache", shouts)
		env.ServeConn("queue", shouts)
	}))
	slices.Sort(c.log) // clients that finish at one instant append in any order
	return digestOf(t, path), fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(c.log, "\n"))))
}

// One seed, one run, with connections too.
func TestToxicsOneSeedOneRun(t *testing.T) { // not parallel: it changes GOMAXPROCS
	runs := 20
	if testing.Short() {
		runs = 2
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	seen := map[string]int{}
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for i := range runs {
			t.Run(fmt.Sprintf("procs=%d/%d", procs, i), func(t *testing.T) {
				events, clients := new(talkers).run(t)
				seen[events+" "+clients]++
			})
		}
	}
	require.Len(t, seen, 1, "distinct pairs of digests in %d runs", 3*runs)
}

// What a client of a target sees of each toxic, to the microsecond.
func TestToxics(t *testing.T) {
	t.Parallel()
	const second = time.Second
	tests := []struct {
		toxic injector.Toxic
		kind  string
		see   func(step *chaostest.Step, db *chaostest.Target)
	}{
		{injector.Toxic{Type: injector.ToxicLatency, Attributes: injector.ToxicAttributes{Latency: 2 * second}}, "tcp_latency", func(step *chaostest.Step, db *chaostest.Target) {
			takes(step, 2*second, func() error { return visits(step, db) })
		}},
		{injector.Toxic{Type: injector.ToxicBandwidth, Attributes: injector.ToxicAttributes{Rate: 1}}, "tcp_bandwidth", func(step *chaostest.Step, db *chaostest.Target) {
			c := connection(step, db)
			takes(step, 10*second, func() error {
				_, err := exchange(c, strings.Repeat("x", 9_999))
				return err
			})
		}},
		{injector.Toxic{Type: injector.ToxicReset, Attributes: injector.ToxicAttributes{Timeout: 3 * second}}, "tcp_reset_peer", func(step *chaostest.Step, db *chaostest.Target) {
			c := connection(step, db)
			takes(step, 3*second, func() error {
				_, err := c.Read(make([]byte, 1))
				require.ErrorIs(step, err, syscall.ECONNRESET)
				return nil
			})
		}},
		{injector.Toxic{Type: injector.ToxicTimeout, Attributes: injector.ToxicAttributes{Timeout: 3 * second}}, "tcp_timeout", func(step *chaostest.Step, db *chaostest.Target) {
			takes(step, 3*second, func() error {
				err := visits(step, db)
				require.ErrorIs(step, err, io.EOF)
				return nil
			})
		}},
		{injector.Toxic{Type: injector.ToxicClose}, "tcp_close", func(step *chaostest.Step, db *chaostest.Target) {
			require.ErrorIs(step, visits(step, db), io.EOF)
		}},
		{injector.Toxic{Type: injector.ToxicLimitData, Attributes: injector.ToxicAttributes{Bytes: 4}}, "tcp_limit_data", func(step *chaostest.Step, db *chaostest.Target) {
			c := connection(step, db)
			answer, err := exchange(c, "hello")
			require.Equal(step, "HELL", answer)
			require.ErrorIs(step, err, io.EOF)
		}},
		{injector.Toxic{Type: injector.ToxicRefuse}, "tcp_refuse", func(step *chaostest.Step, db *chaostest.Target) {
			_, err := db.Dial(step.Context(), "tcp", "")
			require.ErrorIs(step, err, syscall.ECONNREFUSED)
		}},
		{injector.Toxic{Type: injector.ToxicDown}, "tcp_down", func(step *chaostest.Step, db *chaostest.Target) {
			_, err := db.Dial(step.Context(), "tcp", "")
			require.ErrorIs(step, err, syscall.ECONNREFUSED)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			var env *chaostest.Env
			step := toxic("toxic", time.Minute, tt.toxic)
			step.Expect = []assert.Expectation{assert.InjectedCount(tt.kind).AtLeast(1)}
			chaostest.RunOrchestration(t, database(step), func(step *chaostest.Step) { tt.see(step, env.Target("db")) }, chaostest.Setup(func(e *chaostest.Env) {
				env = e
				e.ServeConn("db", shouts)
			}))
		})
	}
}

// A layer acts on connections that were made before it, and lets them go on.
func TestToxicsComeAndGo(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	var c net.Conn
	o := database(quiet("before", time.Second), toxic("slow", 10*time.Second, injector.Toxic{Type: injector.ToxicLatency, Attributes: injector.ToxicAttributes{Latency: time.Second}}),
		quiet("after", time.Second), toxic("down", time.Second, injector.Toxic{Type: injector.ToxicDown}))
	chaostest.RunOrchestration(t, o, chaostest.ByName(map[string]func(*chaostest.Step){
		"before": func(step *chaostest.Step) {
			var err error
			c, err = env.Target("db").Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			takes(step, 0, func() error { return speaks(c) })
		},
		"slow":  func(step *chaostest.Step) { takes(step, time.Second, func() error { return speaks(c) }) },
		"after": func(step *chaostest.Step) { takes(step, 0, func() error { return speaks(c) }) },
		"down": func(step *chaostest.Step) {
			require.Error(step, speaks(c), "connections that are open are closed")
			require.NoError(step, c.Close())
		},
	}), chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.ServeConn("db", shouts)
	}))
}

func speaks(c net.Conn) error {
	_, err := exchange(c, "hello")
	return err
}

func connection(step *chaostest.Step, db *chaostest.Target) net.Conn {
	c, err := db.Dial(step.Context(), "tcp", "")
	require.NoError(step, err)
	step.Cleanup(func() { _ = c.Close() }) // it may be broken
	return c
}

// visits connects and says something.
func visits(step *chaostest.Step, db *chaostest.Target) error { return speaks(connection(step, db)) }

// takes requires that f succeeds and lasts as long, but for the instants that a
// run gives each connection.
func takes(step *chaostest.Step, d time.Duration, f func() error) {
	start := time.Now()
	require.NoError(step, f())
	require.InDelta(step, d, time.Since(start), float64(100*time.Microsecond))
}
