package orchestrator_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// connected has rules that requests, connections and messages share, and rules of
// their own.
const connected = `
name: connected
targets: {web: {}, raw: {kind: tcp}}
steps:
  - name: everything
    duration_seconds: 0.2
    scenario:
      name: everything
      config:
        latency: {fixed_delay_ms: 1, jitter_percent: 50, probability: 0.5}
        fault_injection: {http_errors: [503], http_error_probability: 0.2, connection_error_probability: 0.1, partial_response_probability: 0.2}
        traffic_shaping: {packet_loss_percent: 10, connection_timeout_ms: 1, bandwidth_limit_bps: 100000000}
        tcp:
          toxics:
            - {type: latency, stream: upstream, toxicity: 0.5, attributes: {latency: 1, jitter: 1}}
            - {type: latency, stream: downstream, attributes: {latency: 1}}
            - {name: each, type: latency, stream: upstream, per: message, protocol: lines, toxicity: 0.4, attributes: {latency: 1, jitter: 1}}
            - {type: loss, stream: upstream, attributes: {percent: 1}}
            - {type: refuse, toxicity: 0.1}
        websocket: {message_drop_probability: 0.2, message_corruption_probability: 0.3, message_truncation_probability: 0.2, message_delay_ms: 1,
                    close_codes: [1011, 4000], probability: 0.5, close_after_messages: [4, 9]}
        graphql: {error_codes: [BUSY], probability: 0.3, partial_data_probability: 0.5}
`

// speaking answers requests, echoes messages of WebSocket, and answers
// subscriptions with a result. Its frames are short.
var speaking = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		_, _ = io.WriteString(w, "hello, world")
		return
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for {
		text, err := readText(rw)
		if err != nil {
			return
		}
		if strings.Contains(text, `"subscribe"`) {
			text = `{"id":"1","type":"next","payload":{"data":{"price":{"value":1}}}}`
		}
		if _, err := c.Write(append([]byte{0x81, byte(len(text))}, text...)); err != nil {
			return
		}
	}
})

// readText reads a short frame, masked or not.
func readText(r io.Reader) (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	if head[0]&15 == 8 {
		return "", io.EOF
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return "", err
		}
	}
	b := make([]byte, head[1]&0x7f)
	_, err := io.ReadFull(r, b)
	for i := range b {
		b[i] ^= mask[i%4]
	}
	return string(b), err
}

// talk opens a WebSocket and sends a message n times. It waits for each answer
// for a while: some are lost.
func talk(server *httptest.Server, path, protocol, text string, n int) {
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, protocol)
	r := bufio.NewReader(c)
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	for range n {
		if _, err := c.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil {
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := readText(r); err == io.EOF {
			return
		}
	}
}

// recordConnections records connections, messages and requests that come at once.
// testdata/connected.chaos.jsonl was made so.
func recordConnections(t *testing.T, document string) []byte {
	t.Helper()
	o, _, err := orchestrator.Parse([]byte(document), orchestrator.YAML)
	require.NoError(t, err)
	var log bytes.Buffer
	run, err := orchestrator.NewRun(o, orchestrator.RunOptions{Log: orchestrator.NewRecording(&log)})
	require.NoError(t, err)
	web := httptest.NewServer(run.Injector().Target("web").Handler(speaking))
	defer web.Close()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	back, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var servers, clients sync.WaitGroup
	accept := func(l net.Listener, do func(net.Conn)) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			servers.Go(func() { do(c) })
		}
	}
	servers.Go(func() {
		accept(back, func(c net.Conn) {
			defer c.Close()
			_, _ = io.Copy(c, c)
		})
	})
	servers.Go(func() {
		accept(front, func(c net.Conn) {
			_ = run.Injector().Target("raw").Relay(t.Context(), c, func(ctx context.Context) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", back.Addr().String())
			})
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, do := range []func(){
		func() { talk(web, "/chat", "", "hello", 20) },
		func() {
			talk(web, "/graphql", "Sec-WebSocket-Protocol: graphql-transport-ws\r\n", `{"id":"1","type":"subscribe","payload":{"query":"subscription P { price { value } }"}}`, 10)
		},
		func() {
			if resp, err := web.Client().Get(web.URL + "/plain"); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // faults are expected
				_ = resp.Body.Close()
			}
		},
		func() {
			c, err := net.Dial("tcp", front.Addr().String())
			if err != nil {
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			for range 10 {
				if _, err := io.WriteString(c, "hello\n"); err != nil {
					return
				}
				if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
					return
				}
			}
		},
	} {
		clients.Go(func() {
			for ctx.Err() == nil {
				do()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	res := run.Run(t.Context())
	cancel()
	clients.Wait()
	require.NoError(t, front.Close())
	require.NoError(t, back.Close())
	servers.Wait()
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	return log.Bytes()
}

// Every decision about connections and messages is made again.
func TestVerifyConnections(t *testing.T) {
	t.Parallel()
	document := strings.Replace(connected, "graphql: {", "graphql: {resolver_latency: true, resolver_delay_ms: 1, ", 1)
	for length := 0.2; ; length *= 2 { // where the machine is busy, the step is made longer for it
		rec := readRecording(t, recordConnections(t, strings.Replace(document, "duration_seconds: 0.2", fmt.Sprintf("duration_seconds: %g", length), 1)))
		verifyWhole(t, rec)
		if slices.ContainsFunc(rec.Requests, func(q orchestrator.RecordedRequest) bool {
			return q.Protocol == injector.ProtocolWebSocket && slices.ContainsFunc(q.Decisions, func(d injector.Decision) bool { return d.Kind == injector.KindResolverLatency })
		}) {
			return
		}
		require.Less(t, length, 20.0, "no resolver was late in %d requests", len(rec.Requests))
	}
}

func verifyWhole(t *testing.T, rec *orchestrator.Recording) {
	t.Helper()
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Empty(t, v.Unverified)
	require.Len(t, rec.Requests, v.Requests)
	require.Equal(t, rec.Digest(), v.Digest)
}

// A decision about a connection or a message that was altered by hand, or taken
// out, is found where it is: of each kind, one in the middle.
func TestVerifyAlteredConnections(t *testing.T) {
	t.Parallel()
	log, err := os.ReadFile("testdata/connected.chaos.jsonl")
	require.NoError(t, err)
	rec := readRecording(t, log)
	verifyWhole(t, rec)
	require.NotEmpty(t, rec.Requests)
	lines := strings.SplitAfter(string(log), "\n")
	apart := map[int64]string{} // by number, what is no request
	for _, q := range rec.Requests {
		if q.Method == "" {
			apart[q.N] = q.Protocol
		}
	}
	places := map[string][]int{}
	for i, l := range lines {
		m := regexp.MustCompile(`"type":"decision","n":(\d+),.*"kind":"(\w+)"`).FindStringSubmatch(l)
		if m == nil {
			continue
		}
		var n int64
		_, err := fmt.Sscan(m[1], &n)
		require.NoError(t, err)
		if p, is := apart[n]; is {
			places[p+" "+m[2]] = append(places[p+" "+m[2]], i)
		}
	}
	for _, kind := range []string{
		"tcp latency", "tcp packet_loss", "tcp bandwidth", "tcp http_error", "tcp partial_response", "tcp tcp_latency", "websocket packet_loss", "websocket websocket_close",
		"websocket message_drop", "websocket message_corruption", "websocket message_truncation", "websocket message_delay", "websocket graphql_error", "websocket partial_data",
	} {
		require.NotEmpty(t, places[kind], kind)
	}
	change := func(kind string, line int, from *regexp.Regexp, to string) {
		was := lines[line]
		now := from.ReplaceAllString(was, to)
		if now == was {
			return
		}
		changed := append([]string(nil), lines...)
		changed[line] = now
		v, err := orchestrator.Verify(t.Context(), readRecording(t, []byte(strings.Join(changed, ""))))
		require.NoError(t, err)
		require.NotNil(t, v.Difference, "%s in line %d: %s", kind, line+1, now)
		require.InDelta(t, line+1, v.Difference.Line, 4, "the request stands just above its decision")
		require.Contains(t, v.Difference.String(), "- "+strings.TrimSpace(regexp.MustCompile(`,"now":\d+`).ReplaceAllString(now, "")))
		require.Contains(t, v.Difference.String(), "+ "+strings.TrimSpace(was))
	}
	number := regexp.MustCompile(`"n":\d+`)
	missing := func(kind string, line int) {
		n := number.FindString(lines[line]) + ","
		var changed []string
		for _, l := range lines {
			if !strings.Contains(l, n) {
				changed = append(changed, l)
			}
		}
		v, err := orchestrator.Verify(t.Context(), readRecording(t, []byte(strings.Join(changed, ""))))
		require.NoError(t, err)
		require.NotNil(t, v.Difference, "%s without %s", kind, n)
		require.Contains(t, v.Difference.String(), regexp.MustCompile(`"kind":"\w+","ordinal":\d+`).FindString(lines[line]))
	}
	for kind, all := range places {
		line := all[len(all)/2]
		missing(kind, line)
		change(kind, line, regexp.MustCompile(`("ordinal":)(\d+)`), "${1}1${2}")
		change(kind, line, regexp.MustCompile(`("ordinal":\d+)(,"status":\d+)?`), `${1},"status":418`)
		change(kind, line, regexp.MustCompile(`("delay":\d+)`), "${1}0")
		change(kind, line, regexp.MustCompile(`,"masked":true`), "")
		change(kind, line, regexp.MustCompile(`"kind":"\w+"`), `"kind":"tcp_down"`)
	}
}

// What rules were asked is part of the recording.
func TestVerifyWhatRulesWereAsked(t *testing.T) {
	t.Parallel()
	log, err := os.ReadFile("testdata/connected.chaos.jsonl")
	require.NoError(t, err)
	altered := func(from, to string) *orchestrator.Recording {
		require.Contains(t, string(log), from)
		return readRecording(t, []byte(strings.Replace(string(log), from, to, 1)))
	}
	for from, to := range map[string]string{
		`"websocket down":1`: `"websocket down":2`, `"packet_loss up":1`: `"packet_loss up":6`, `"tcp latency latency_upstream":1`: `"tcp latency latency_upstream":4`,
	} {
		v, err := orchestrator.Verify(t.Context(), altered(from, to))
		require.NoError(t, err)
		require.NotNil(t, v.Difference, to)
	}
	for rule, want := range map[string]string{
		`"websocket dwon":1`:             `layer everything has no rule "websocket dwon"`,
		`"websocket close":0`:            `rule "websocket close" of layer everything was asked 0 times, which is not 1 or more`,
		`"websocket close":111222333444`: `rule "websocket close" of layer everything was asked 111222333444 times: a recording with more than 200000000 draws`,
	} {
		_, err := orchestrator.Verify(t.Context(), altered(`"rules":{`, `"rules":{`+rule+`,`))
		require.ErrorContains(t, err, "the log contradicts itself: "+want)
	}
}
