package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// shouter is a TCP service that answers each line in capitals.
func shouter(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					fmt.Fprintln(c, strings.ToUpper(lines.Text()))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// behind is a server with chaos on in front of a shouter and, for HTTP, an
// echo.
func behind(t *testing.T, opts server.Options) *live {
	t.Helper()
	opts.Chaos = true
	opts.Targets = []server.Target{
		{Name: "cache", Upstream: "tcp://" + shouter(t), Port: server.AnyPort}, {Name: "web"},
	}
	return serveLive(t, opts)
}

// cache is the address of the target of kind tcp, as the status has it.
func (l *live) cache(t *testing.T) string {
	t.Helper()
	var status server.ChaosStatus
	l.ask(t, "GET", "/status", nil).ok(t).into(t, &status)
	require.Equal(t, "cache", status.Targets[0].Name)
	addr, found := strings.CutPrefix(status.Targets[0].URL, "tcp://")
	require.True(t, found, status.Targets[0].URL)
	return addr
}

func connectTo(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c.(*net.TCPConn)
}

// visit connects, says something and leaves.
func visit(addr string) (string, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return exclaim(c)
}

func exclaim(c net.Conn) (string, error) {
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

func TestTCPTarget(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{})
	c := connectTo(t, l.cache(t))
	answer, err := exclaim(c)
	require.NoError(t, err)
	require.Equal(t, "HELLO\n", answer)

	l.ask(t, "PUT", "/config", `{"latency": {"fixed_delay_ms": 60}}`).ok(t)
	start := time.Now()
	_, err = exclaim(c)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 60*time.Millisecond, "a layer acts on connections that are open")

	l.ask(t, "PUT", "/config", `{"tcp": {"toxics": [{"type": "latency", "stream": "upstream", "attributes": {"latency": 60}}]}}`).ok(t)
	start = time.Now()
	_, err = exclaim(c)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 60*time.Millisecond, "and so does a toxic")

	l.ask(t, "PUT", "/config", `{"fault_injection": {"connection_error_kind": "tcp_reset", "connection_error_probability": 1}}`).ok(t)
	_, err = visit(l.cache(t))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = exclaim(c)
	require.NoError(t, err, "one that was admitted goes on")

	l.ask(t, "PUT", "/config", `{"tcp": {"toxics": [{"type": "down"}]}}`).ok(t)
	_, err = exclaim(c)
	require.Error(t, err, "but not where its target is down")
	_, err = visit(l.cache(t))
	require.Error(t, err)

	l.ask(t, "PUT", "/config", `{}`).ok(t)
	answer, err = visit(l.cache(t))
	require.NoError(t, err)
	require.Equal(t, "HELLO\n", answer)
}

// An upstream that is not there resets its clients; the other target goes on.
func TestTCPTargetWithoutUpstream(t *testing.T) {
	t.Parallel()
	const gone = "tcp://127.0.0.1:1" // a port that was free a moment ago may be another test's by now
	l := serveLive(t, server.Options{Targets: []server.Target{{Name: "cache", Upstream: gone, Port: server.AnyPort}, {Name: "web"}}})
	_, err := visit(l.cache(t))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, 200, l.askPath(t, "GET", "/health", nil).status)
}

// The end of the server cuts connections off at once.
func TestStopEndsConnections(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{})
	c := connectTo(t, l.cache(t))
	_, err := exclaim(c)
	require.NoError(t, err)
	l.end()
	_, err = io.ReadAll(c)
	require.NoError(t, err, "an orderly end")
	_, err = net.Dial("tcp", c.RemoteAddr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestTCPTargetOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target server.Target
		want   string
	}{
		{server.Target{Name: "a", Upstream: "tcp://h:1"}, "target a: a target of kind tcp needs a port of its own, such as port=16379"},
		{server.Target{Name: "a", Upstream: "tcp://h:1", Port: 5, Host: "x"}, "target a: a connection of kind tcp has neither a Host nor a path: leave host and prefix out, its port is the way to it"},
		{server.Target{Name: "a", Upstream: "tcp://h:1", Port: 5, Prefix: "/x"}, "target a: a connection of kind tcp has neither a Host nor a path: leave host and prefix out, its port is the way to it"},
		{server.Target{Name: "a", Upstream: "tcp://h", Port: 5}, `target a: upstream "tcp://h": use tcp://HOST:PORT`},
		{server.Target{Name: "a", Upstream: "tcp://h:0", Port: 5}, `target a: upstream "tcp://h:0": use tcp://HOST:PORT`},
		{server.Target{Name: "a", Upstream: "tcp://:6379", Port: 5}, `target a: upstream "tcp://:6379": use tcp://HOST:PORT`},
		{server.Target{Name: "a", Upstream: "tcp://h:1/0", Port: 5}, `target a: upstream "tcp://h:1/0": use tcp://HOST:PORT`},
		{server.Target{Name: "a", Upstream: "redis://h:1", Port: 5}, `target a: upstream "redis://h:1": use a URL that begins with http://, https://, h2c:// or tcp://`},
	} {
		_, err := server.New(server.Options{Targets: []server.Target{tt.target}})
		require.ErrorContains(t, err, tt.want)
	}
	_, err := server.New(server.Options{Upstream: "tcp://h:1"})
	require.EqualError(t, err, `upstream "tcp://h:1": a target of kind tcp needs a port of its own: use --target NAME=tcp://h:1,port=N`)
}

// A document's targets must be of the kind that the server has.
func TestDocumentsWithTCPTargets(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{})
	upstream := strings.TrimPrefix(l.Targets()[0].Upstream, "tcp://")
	for _, tt := range []struct{ document, want string }{
		{`{"name": "x", "targets": {"cache": {}}, "steps": ["a (1s)"]}`, "targets.cache.kind: is http, and the target cache of this server is not: say kind: tcp, or start the server with --target cache=URL"},
		{`{"name": "x", "targets": {"web": {"kind": "tcp"}}, "steps": ["a (1s)"]}`, "targets.web.kind: is tcp, and the target web of this server is HTTP: start the server with --target web=tcp://HOST:PORT,port=N"},
		{`{"name": "x", "targets": {"db": {"kind": "tcp"}}, "steps": ["a (1s)"]}`, "targets.db: this server has no target db: it was started with cache, web; add --target db=tcp://HOST:PORT,port=N"},
		{`{"name": "x", "targets": {"cache": {"kind": "tcp", "upstream": "10.0.0.1:6379"}}, "steps": ["a (1s)"]}`,
			"targets.cache.upstream: is not the one that this server was started with: leave it out, or start the server with --target cache=tcp://10.0.0.1:6379,port=N"},
		{`{"name": "x", "targets": {"cache": {"kind": "tcp"}}, "load": {"rate": 1}, "steps": ["a (1s)"]}`, "load: load is HTTP, and the target is of kind tcp"},
	} {
		a := l.ask(t, "POST", "/orchestration/start", tt.document)
		require.Equal(t, 422, a.status, "%s", a.body)
		require.Contains(t, string(a.body), strings.ReplaceAll(tt.want, `"`, `\"`))
	}
	l.ask(t, "POST", "/orchestration/start", fmt.Sprintf(
		`{"name": "x", "targets": {"cache": {"kind": "tcp", "upstream": %q}}, "steps": [{"name": "down", "duration_seconds": 60, "scenario": {"config": {"fault_injection": {"connection_error_kind": "tcp_close", "connection_error_probability": 1}}}}]}`, upstream)).ok(t)
	require.Eventually(t, func() bool {
		_, err := visit(l.cache(t))
		return err != nil
	}, time.Minute, 10*time.Millisecond, "the step is in force")
	l.ask(t, "POST", "/orchestration/stop", nil).ok(t)

	only := serveLive(t, server.Options{Chaos: true, Targets: []server.Target{{Name: "cache", Upstream: "tcp://" + shouter(t), Port: server.AnyPort}}})
	a := only.ask(t, "POST", "/orchestration/start", `{"name": "x", "load": {"rate": 1}, "steps": ["a (1s)"]}`)
	require.Equal(t, 422, a.status)
	require.Contains(t, string(a.body), "load: is HTTP, and the target cache of this server is of kind tcp")
}

// A connection that met a layer is a request of its target's in the metrics.
func TestConnectionsInMetrics(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{Config: injector.Config{FaultInjection: &injector.FaultInjection{
		ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(0.5)}}})
	failed, addr := 0, l.cache(t)
	for range 20 {
		if _, err := visit(addr); err != nil {
			failed++
		}
	}
	require.Equal(t, 10, failed)
	require.Eventually(t, func() bool {
		text := string(l.askPath(t, "GET", "/metrics", nil).body)
		return strings.Contains(text, `mockforge_chaos_requests_total{protocol="tcp",status="aborted",target="cache"} 10`) &&
			strings.Contains(text, `mockforge_chaos_requests_total{protocol="tcp",status="closed",target="cache"} 10`)
	}, time.Minute, 10*time.Millisecond)
}

// So is what happens to bytes, and what a layer decides about a connection that
// is open.
func TestBytesInMetrics(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{Config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Millisecond}}})
	c := connectTo(t, l.cache(t))
	for range 4 {
		_, err := exclaim(c)
		require.NoError(t, err)
	}
	l.ask(t, "PUT", "/config/tcp", `{"toxics": [{"type": "latency", "attributes": {"latency": 1}}]}`).ok(t)
	_, err := exclaim(c)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool {
		return strings.Contains(string(l.askPath(t, "GET", "/metrics", nil).body), "mockforge_chaos_requests_total{")
	}, time.Minute, 10*time.Millisecond)
	text := string(l.askPath(t, "GET", "/metrics", nil).body)
	require.Contains(t, text, `mockforge_chaos_requests_total{protocol="tcp",status="closed",target="cache"} 1`+"\n")
	require.Contains(t, text, `mockforge_chaos_faults_total{endpoint="TCP cache",fault_type="latency"} 5`)
	require.Contains(t, text, `mockforge_chaos_faults_total{endpoint="TCP cache",fault_type="tcp_latency"} 1`)
	require.Contains(t, string(l.ask(t, "GET", "/stats", nil).body), `"requests_observed":1,`)
}

// What happens to messages is part of their connection: one that was late is no
// request that was aborted.
func TestMessagesInMetrics(t *testing.T) {
	t.Parallel()
	l := behind(t, server.Options{Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{{
		Type: injector.ToxicLatency, Per: injector.PerMessage, Protocol: "lines", Toxicity: new(0.5),
		Attributes: injector.ToxicAttributes{Latency: time.Millisecond},
	}}}}})
	c := connectTo(t, l.cache(t))
	for range 20 {
		_, err := exclaim(c)
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool {
		text := string(l.askPath(t, "GET", "/metrics", nil).body)
		return strings.Contains(text, `mockforge_chaos_requests_total{protocol="tcp",status="closed",target="cache"} 1`+"\n") &&
			strings.Contains(text, `fault_type="tcp_latency"} 10`)
	}, time.Minute, 10*time.Millisecond)
	require.Contains(t, string(l.ask(t, "GET", "/stats", nil).body), `"requests_observed":1,`)
}
