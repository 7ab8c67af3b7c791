package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A goingAway listener gives its server every connection but the first, whose
// requests it refuses, as one does that stops: with GOAWAY, when it has seen the
// beginning of a body.
type goingAway struct {
	net.Listener
	conns atomic.Int64
	seen  int // bytes of the body
}

func (l *goingAway) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.conns.Add(1) > 1 {
			return c, err
		}
		go l.refuse(c)
	}
}

func (l *goingAway) refuse(c net.Conn) {
	defer c.Close()
	const preface, settings, goAway = 24, "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00"
	_, _ = io.CopyN(io.Discard, c, preface)
	_, _ = io.WriteString(c, settings)
	head := make([]byte, 9)
	for body := 0; body < l.seen; {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		length := binary.BigEndian.Uint32(head) >> 8
		_, _ = io.CopyN(io.Discard, c, int64(length))
		if head[3] == 0 { // DATA
			body += int(length)
		}
	}
	_, _ = io.WriteString(c, goAway) // and it looked at no stream
	_, _ = io.Copy(io.Discard, c)
}

// What an upstream of HTTP/2 refuses because it ends its connections is sent
// again, whole, and no client hears of it.
func TestWhatWasRefusedIsSentAgain(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	for _, front := range []string{"HTTP/1.1", "HTTP/2"} {
		for name, c := range map[string]struct {
			size, seen int
			chunked    bool
		}{
			"short":   {size: 10, seen: 10},
			"long":    {size: len(whole), seen: 65_000},
			"chunked": {size: len(whole), seen: 1, chunked: true},
		} {
			t.Run(front[:6]+" "+name, func(t *testing.T) {
				t.Parallel()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				going := &goingAway{Listener: l, seen: c.seen}
				up := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					_, _ = w.Write(body)
				})}
				up.Protocols.SetUnencryptedHTTP2(true)
				go func() { _ = up.Serve(going) }()
				defer up.Close()
				p := startPlane(t, server.Options{Upstream: "h2c://" + l.Addr().String(), Chaos: true})
				p.client = p.newClient(front)
				var body io.Reader = bytes.NewReader(whole[:c.size])
				if c.chunked {
					body = struct{ io.Reader }{body}
				}
				resp, err := p.client.Post(p.URL(), "text/plain", body)
				require.NoError(t, err)
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, resp.StatusCode, "%.200s", got)
				require.True(t, bytes.Equal(whole[:c.size], got))
				require.EqualValues(t, 2, going.conns.Load())
			})
		}
	}
}

// Where an upstream's connection breaks, a client hears of it that waits for an
// answer, were it in the middle of a request of which nothing more comes.
func TestABrokenUpstreamIsHeardOf(t *testing.T) {
	t.Parallel()
	for _, front := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, answers := range []bool{true, false} {
			name := front[:6] + ", no answer"
			if answers {
				name = front[:6] + ", half an answer"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				there := make(chan struct{})
				up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadFull(r.Body, make([]byte, 5))
					if answers {
						_, _ = io.WriteString(w, "hello")
						_ = http.NewResponseController(w).Flush()
					}
					close(there)
					<-r.Context().Done()
				}))
				up.Config.Protocols = new(http.Protocols)
				up.Config.Protocols.SetUnencryptedHTTP2(true)
				up.Start()
				defer up.Close()
				p := startPlane(t, server.Options{Upstream: strings.Replace(up.URL, "http:", "h2c:", 1), Chaos: true})
				p.client = p.newClient(front)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				body, send := io.Pipe()
				defer send.Close()
				go func() { _, _ = io.WriteString(send, "hello") }() // and then nothing
				if !answers {
					go func() {
						<-there
						up.CloseClientConnections()
					}()
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL(), body)
				require.NoError(t, err)
				resp, err := p.client.Do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				if !answers {
					require.Equal(t, http.StatusBadGateway, resp.StatusCode)
					return
				}
				up.CloseClientConnections()
				_, err = io.ReadAll(resp.Body)
				require.Error(t, err)
				require.NoError(t, ctx.Err(), "nobody told the client")
			})
		}
	}
}
