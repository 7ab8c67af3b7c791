package chaostest_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// database is a document with the target db of kind tcp.
func database(steps ...orchestrator.Step) orchestrator.Orchestration {
	o := document(steps...)
	o.Targets = map[string]orchestrator.Target{"db": {Kind: orchestrator.TCP}}
	return o
}

// shouts answers each line in capitals, until its client has no more.
func shouts(c net.Conn) {
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if _, err := io.WriteString(c, strings.ToUpper(lines.Text())+"\n"); err != nil {
			return
		}
	}
}

// exchange sends a line and returns the answer.
func exchange(c net.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

// both runs a test in virtual time and in real time, where its steps have to
// leave a slow machine room and to end themselves, with Clock.Advance.
func both(t *testing.T, test func(t *testing.T, options ...chaostest.Option)) {
	t.Helper()
	for _, mode := range []struct {
		name    string
		options []chaostest.Option
	}{{"virtual", nil}, {"real", []chaostest.Option{chaostest.RealTime()}}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			test(t, mode.options...)
		})
	}
}

func TestServeConn(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		var ended chan string
		chaostest.RunOrchestration(t, database(chaos("slow", time.Minute, slow(20*time.Millisecond))), func(step *chaostest.Step) {
			db := env.Target("db")
			require.Equal(step, "tcp://"+db.Addr, db.URL)
			for _, addr := range []string{"", db.Addr} {
				start := time.Now()
				c, err := db.Dial(step.Context(), "tcp", addr)
				require.NoError(step, err)
				answer, err := exchange(c, "hello")
				require.NoError(step, err)
				require.Equal(step, "HELLO\n", answer)
				require.GreaterOrEqual(step, time.Since(start), 19*time.Millisecond, "the chaos is in between")
				require.NoError(step, c.Close())
				require.Equal(step, "ended", <-ended, "the handler has returned")
			}
			step.Clock().Advance(time.Hour)
		}, append(options, chaostest.Setup(func(e *chaostest.Env) {
			env, ended = e, make(chan string, 2)
			e.ServeConn("db", func(c net.Conn) {
				shouts(c)
				ended <- "ended"
			})
		}))...)
	})
}

// The run's end closes what a client left open, and its handler goes.
func TestConnectionsEndWithTheRun(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		ended := make(chan error, 1)
		chaostest.RunOrchestration(t, database(quiet("calm", time.Minute)), func(step *chaostest.Step) {
			c, err := env.Target("db").Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			_, err = exchange(c, "hello")
			require.NoError(step, err)
			step.Clock().Advance(time.Hour)
		}, append(options, chaostest.Setup(func(e *chaostest.Env) {
			env = e
			e.ServeConn("db", func(c net.Conn) {
				shouts(c)
				_, err := c.Read(make([]byte, 1))
				ended <- err
			})
		}))...)
		require.Error(t, <-ended)
	})
}

// A server that takes a listener accepts behind the chaos.
func TestListenTCP(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		chaostest.RunOrchestration(t, database(quiet("calm", time.Minute)), func(step *chaostest.Step) {
			c, err := env.Target("db").Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			defer c.Close()
			answer, err := exchange(c, "hello")
			require.NoError(step, err)
			require.Equal(step, "HELLO\n", answer)
			step.Clock().Advance(time.Hour)
		}, append(options, chaostest.Setup(func(e *chaostest.Env) {
			env = e
			l := e.Listen("db")
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer c.Close()
						shouts(c)
					}()
				}
			}()
		}))...)
	})
}

// Without a handler what comes is sent back, and the output says so once.
func scenarioNothingBehind(t *testing.T) {
	var env *chaostest.Env
	chaostest.RunOrchestration(t, database(quiet("calm", time.Minute)), func(step *chaostest.Step) {
		for range 2 {
			c, err := env.Target("db").Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			answer, err := exchange(c, "hello")
			require.NoError(step, err)
			require.Equal(step, "hello\n", answer)
			require.NoError(step, c.Close())
		}
	}, chaostest.Setup(func(e *chaostest.Env) { env = e }))
}

func TestNothingBehind(t *testing.T) {
	t.Parallel()
	p := passes(t, "nothing behind")
	require.Equal(t, 1, strings.Count(p.out, "target db: nothing was put behind it, so what comes is sent back: use env.ServeConn or env.Listen"), p.out)
	require.NotContains(t, p.out, "warning")
}

// What cannot be meant ends the test with a reason.
func TestMisusedTargets(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]string{
		"serve tcp":        `tcp_test\.go:\d+: env\.Serve\("db"\): the target is of kind tcp: use env\.ServeConn, or env\.Listen`,
		"serve conn http":  `tcp_test\.go:\d+: env\.ServeConn\("web"\): the target is of kind http: use env\.Serve, or env\.Listen`,
		"listen twice":     `tcp_test\.go:\d+: env\.Listen\("db"\): env\.Listen was called for it already`,
		"listen served":    `tcp_test\.go:\d+: env\.Listen\("db"\): env\.ServeConn was called for it already`,
		"serve listened":   `tcp_test\.go:\d+: env\.Serve\("web"\): env\.Listen was called for it already`,
		"handler panics":   `tcp_test\.go:\d+: the handler of target db panicked: no such table`,
		"upstream of tcp":  `chaostest\.Upstream: target db is of kind tcp: use env\.ServeConn or env\.Listen in Setup`,
		"nobody accepts":   "",
		"handler does not": `1 goroutine leaked[\s\S]*tcp_test\.go`,
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			if want == "" {
				passes(t, scenario)
				return
			}
			require.Regexp(t, want, fails(t, scenario).out)
		})
	}
}

// misused runs a document with the targets db and web.
func misused(t *testing.T, setup func(*chaostest.Env), body func(*chaostest.Env, *chaostest.Step), options ...chaostest.Option) {
	o := database(quiet("calm", time.Minute))
	o.Targets["web"] = orchestrator.Target{}
	var env *chaostest.Env
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) { body(env, step) }, append(options, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		setup(e)
	}))...)
}

func nothing(*chaostest.Env, *chaostest.Step) {}

func connects(env *chaostest.Env, step *chaostest.Step) {
	c, err := env.Target("db").Dial(step.Context(), "tcp", "")
	require.NoError(step, err)
	_, _ = exchange(c, "hello")
	require.NoError(step, c.Close())
}

func scenarioServeTCP(t *testing.T) {
	misused(t, func(e *chaostest.Env) { e.Serve("db", says("x")) }, nothing)
}

func scenarioServeConnHTTP(t *testing.T) {
	misused(t, func(e *chaostest.Env) { e.ServeConn("web", shouts) }, nothing)
}

func scenarioListenTwice(t *testing.T) {
	misused(t, func(e *chaostest.Env) {
		e.Listen("db")
		e.Listen("db")
	}, nothing)
}

func scenarioListenServed(t *testing.T) {
	misused(t, func(e *chaostest.Env) {
		e.ServeConn("db", shouts)
		e.Listen("db")
	}, nothing)
}

func scenarioServeListened(t *testing.T) {
	misused(t, func(e *chaostest.Env) {
		e.Listen("web")
		e.Serve("web", says("x"))
	}, nothing)
}

func scenarioHandlerPanics(t *testing.T) {
	misused(t, func(e *chaostest.Env) { e.ServeConn("db", func(net.Conn) { panic("no such table") }) }, connects)
}

func scenarioUpstreamOfTCP(t *testing.T) {
	chaostest.RunOrchestration(t, database(quiet("calm", time.Minute)), nil, chaostest.Upstream(says("x")))
}

// A listener at which nobody accepts takes connections up to its backlog, as
// any does, and the run still ends.
func scenarioNobodyAccepts(t *testing.T) {
	misused(t, func(e *chaostest.Env) { e.Listen("db") }, func(env *chaostest.Env, step *chaostest.Step) {
		c, err := env.Target("db").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		require.NoError(step, c.SetReadDeadline(time.Now().Add(time.Second)))
		_, err = exchange(c, "hello")
		require.ErrorContains(step, err, "i/o timeout")
	})
}

func scenarioHandlerDoesNot(t *testing.T) {
	misused(t, func(e *chaostest.Env) { e.ServeConn("db", func(net.Conn) { select {} }) }, func(env *chaostest.Env, step *chaostest.Step) {
		_, err := env.Target("db").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
	})
}

// In a document without targets any name may be one of kind tcp.
func TestServeConnWithoutTargets(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		c, err := env.Target("cache").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		defer c.Close()
		answer, err := exchange(c, "hello")
		require.NoError(step, err)
		require.Equal(step, "HELLO\n", answer)
		require.True(step, strings.HasPrefix(env.URL, "http://"), "the default target is there too")
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.ServeConn("cache", shouts)
	}))
}

// What happens to messages is part of their connection, which is one request.
func TestMessagesAreNoRequests(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	late := injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{{
		Type: injector.ToxicLatency, Per: injector.PerMessage, Protocol: "lines", Toxicity: new(0.25),
		Attributes: injector.ToxicAttributes{Latency: 50 * time.Millisecond},
	}}}}
	chaostest.RunOrchestration(t, database(chaos("late", 10*time.Second, late)), func(step *chaostest.Step) {
		c, err := env.Target("db").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		for range 40 {
			_, err := exchange(c, "hello")
			require.NoError(step, err)
		}
		require.NoError(step, c.Close())
		time.Sleep(time.Millisecond)
		require.Equal(step, 10, step.Results().Injected(injector.KindTCPLatency))
		require.Equal(step, 1, step.Results().Requests())
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.ServeConn("db", shouts)
	}))
}

// A connection error resets the connection, and no upstream is asked.
func TestConnectionErrorOfATCPTarget(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	config := injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(1.0)}}
	chaostest.RunOrchestration(t, database(chaos("resets", time.Minute, config)), func(step *chaostest.Step) {
		c, err := env.Target("db").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		defer c.Close()
		_, err = exchange(c, "hello")
		require.ErrorIs(step, err, syscall.ECONNRESET)
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.ServeConn("db", func(net.Conn) { e.Error("the upstream was asked") })
	}))
}

// Bytes come as late as the layer says, to the nanosecond but for the slot.
func TestLatencyOfATCPTarget(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	chaostest.RunOrchestration(t, database(chaos("slow", time.Minute, slow(3*time.Second))), func(step *chaostest.Step) {
		c, err := env.Target("db").Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		defer c.Close()
		require.NoError(step, step.Do(func(context.Context) error {
			start := time.Now()
			answer, err := exchange(c, "hello")
			require.Equal(step, "HELLO\n", answer)
			require.InDelta(step, 3*time.Second, time.Since(start), float64(time.Millisecond))
			return err
		}))
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.ServeConn("db", shouts)
	}))
}
