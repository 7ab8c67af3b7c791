package injector_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Garbage is garbage to a real client, and the RoundTripper gives the same
// error.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for _, kind := range []injector.ConnectionErrorKind{injector.MalformedChunk, injector.RandomData} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			errors := map[string]string{}
			for _, name := range []string{"HTTP/1.1", "HTTP/2", "RoundTripper"} {
				in := injector.New(injector.WithSeed(3)) // a new one: the bytes depend on the ordinal
				in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: kind, ConnectionErrorProbability: new(1.0)}))
				resp, body, err := throughSeams(t, in, ok)[name](http.MethodGet, "/")
				require.Error(t, err, name)
				errors[name] = err.Error()[strings.Index(err.Error(), "net/http")+1:]
				require.Empty(t, body)
				if kind == injector.MalformedChunk && name != "HTTP/2" {
					require.Equal(t, 200, resp.StatusCode)
					require.Equal(t, "connection_error", resp.Header.Get("X-Mockforge-Fault"))
					require.Equal(t, "step", resp.Header.Get("X-Mockforge-Step"))
					require.EqualError(t, err, "invalid byte in chunk length")
					continue
				}
				require.Nil(t, resp, name)
			}
			require.Equal(t, errors["HTTP/1.1"], errors["RoundTripper"])
			require.Contains(t, errors["HTTP/2"], "stream error")
			if kind == injector.RandomData {
				require.Contains(t, errors["HTTP/1.1"], "malformed HTTP response \"")
			}
		})
	}
}

// The bytes are those of the seed and the request.
func TestGarbageIsKeyed(t *testing.T) {
	t.Parallel()
	raw := func(seed uint64, requests int) (all []string) {
		in := injector.New(injector.WithSeed(seed))
		in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.RandomData, ConnectionErrorProbability: new(1.0)}))
		s := serve(t, in, ok)
		for range requests {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			b, err := io.ReadAll(c)
			require.NoError(t, err, "an orderly close")
			all = append(all, string(b))
		}
		return all
	}
	first, again, other := raw(1, 3), raw(1, 3), raw(2, 3)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(first))), 3, "each request has its own")
	for _, b := range first {
		require.GreaterOrEqual(t, len(b), 18)
		require.True(t, strings.HasSuffix(b, "\r\n"))
		require.NotContains(t, b, "HTTP")
	}
}

// What the client is still sending is read: a reset would overtake the garbage.
func TestGarbageReachesAClientThatSends(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.MalformedChunk, ConnectionErrorProbability: new(1.0)}))
	s := serve(t, in, ok)
	for range 20 {
		resp, err := s.Client().Post(s.URL, "text/plain", bytes.NewReader(make([]byte, 200<<10)))
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		require.EqualError(t, err, "invalid byte in chunk length")
	}
}

// The close is an orderly one, also where the request's body was not read.
func TestGarbageEndsInAnOrderlyClose(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.RandomData, ConnectionErrorProbability: new(1.0)}))
	s := serve(t, in, ok)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"+strings.Repeat("x", 200000))
	require.NoError(t, err)
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.NotEmpty(t, b)
}

// A HEAD has no body that could be malformed.
func TestMalformedHead(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.MalformedChunk, ConnectionErrorProbability: new(1.0)}))
	ask := throughSeams(t, in, ok)
	for _, name := range []string{"HTTP/1.1", "RoundTripper"} {
		_, _, err := ask[name](http.MethodHead, "/")
		require.ErrorIs(t, err, io.EOF, name)
	}
}

// A connection that is not HTTP has no response: what would happen to it is
// masked. Garbage has no place in it either: it is closed.
func TestResponseFaultsOfConnections(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{
		Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Hour}, Rewrite: &injector.Rewrite{Status: 418}, PartialResponseProbability: new(1.0),
		ConnectionErrorKind: injector.RandomData, ConnectionErrorProbability: new(1.0), Schedule: &injector.Schedule{Type: "every", Count: 2},
	}))
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	lis := in.Listener(plain)
	defer lis.Close()
	go func() { // ends with the listener
		for c, err := lis.Accept(); err == nil; c, err = lis.Accept() {
			_, _ = io.WriteString(c, "hello")
			_ = c.Close()
		}
	}()
	var got []string
	for range 4 {
		c, err := net.Dial("tcp", plain.Addr().String())
		require.NoError(t, err)
		b, err := io.ReadAll(c)
		require.NoError(t, err)
		got = append(got, string(b))
		c.Close()
	}
	require.Equal(t, []string{"", "hello", "", "hello"}, got)

	in = injector.New()
	in.Apply(faults(injector.FaultInjection{PartialResponseProbability: new(1.0), Rewrite: &injector.Rewrite{Status: 418}}))
	client, server := net.Pipe()
	defer client.Close()
	c := in.Listener(&one{c: server})
	accepted, err := c.Accept()
	require.NoError(t, err)
	accepted.Close()
	for _, d := range in.Draws(injector.LayerRef{Name: "step"}) {
		require.EqualValues(t, 1, d.Masked, d.Kind)
	}
}

// one is a listener that accepts one connection.
type one struct {
	net.Listener
	c net.Conn
}

func (l *one) Accept() (net.Conn, error) { return l.c, nil }

// On HTTP/2 there is nothing to send that could be overtaken: the stream is
// reset at once, whatever of the request's body is still to come.
func TestGarbageOnHTTP2DoesNotWait(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		w.in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.RandomData, ConnectionErrorProbability: new(1.0)}))
		transport := w.client.Transport.(*http.Transport)
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		body, rest := io.Pipe()
		defer rest.Close()
		_, err := w.client.Post("http://test/", "text/plain", body)
		require.ErrorContains(w, err, "stream error")
		require.Zero(w, w.elapsed())
	})
}

// A HEAD has no body that could be malformed: its connection is closed.
func TestMalformedChunkOfAHead(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.MalformedChunk, ConnectionErrorProbability: new(1.0)}))
	for _, name := range []string{"HTTP/1.1", "RoundTripper"} {
		_, _, err := throughSeams(t, in, ok)[name](http.MethodHead, "/")
		require.ErrorIs(t, err, io.EOF, name)
	}
}
