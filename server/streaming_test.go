package server_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each side sends a piece only when the other's has arrived, so that a piece
// that is held back anywhere makes the test stand still.
func TestStreaming(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ProtoMajor == 1 {
			_ = control.EnableFullDuplex()
		}
		_ = control.Flush()
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "got "+line)
			_ = control.Flush()
		}
	}, func(p *plane, _ route) {
		for _, l := range layers {
			p.config(l.config)
			body, send := io.Pipe()
			req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.URL(), body)
			require.NoError(p, err)
			resp, err := p.client.Do(req)
			require.NoError(p, err, l.name)
			in := bufio.NewReader(resp.Body)
			for range 5 {
				_, err = io.WriteString(send, "piece\n")
				require.NoError(p, err, l.name)
				line, err := in.ReadString('\n')
				require.NoError(p, err, l.name)
				require.Equal(p, "got piece\n", line)
			}
			send.Close()
			_, err = in.ReadByte()
			require.Equal(p, io.EOF, err, l.name)
			resp.Body.Close()
		}
	})
}

// An announced length does not make an answer wait for its end.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	over(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
		} else {
			w.Header().Set("Content-Length", "10")
		}
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "later")
	}, func(p *plane, _ route) {
		for _, l := range layers {
			p.config(l.config)
			for _, path := range []string{"/length", "/events"} {
				req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.URL()+path, nil)
				require.NoError(p, err)
				resp, err := p.client.Do(req)
				require.NoError(p, err, l.name)
				require.Equal(p, "first", read(p.T, resp.Body, 5), "%s %s", l.name, path)
				goOn <- struct{}{}
				require.Equal(p, "later", read(p.T, resp.Body, 5), "%s %s", l.name, path)
				resp.Body.Close()
			}
		}
	})
}

// Large bodies come through whole, both ways at once.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	for r, size := range map[route]int64{
		{"HTTP/1.1", "http"}:    64 << 20,
		{"HTTP/2", "h2c"}:       64 << 18,
		{"HTTP/2 TLS", "https"}: 64 << 18,
		{"HTTP/1.1", "h2c"}:     64 << 18,
	} {
		if testing.Short() {
			size = 1 << 20
		}
		// Not parallel: each fills the machine.
		p := startRoute(t, r, func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 1 {
				_ = http.NewResponseController(w).EnableFullDuplex()
			}
			_, _ = io.Copy(w, r.Body)
		})
		p.client.Timeout = 0 // it takes what it takes
		want := sum(t, noise(size))
		for _, l := range layers {
			p.config(l.config)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL(), noise(size))
			require.NoError(t, err)
			req.ContentLength = size
			start := time.Now()
			resp, err := p.client.Do(req)
			require.NoError(t, err, "%v %s", r, l.name)
			got := sum(t, resp.Body)
			resp.Body.Close()
			require.Equal(t, want, got, "%v %s", r, l.name)
			t.Logf("%s to %s, %s: %.0f MB/s each way", r.front, r.back, l.name, float64(size)/1e6/time.Since(start).Seconds())
		}
	}
}

func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	_, err := io.Copy(h, r)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}
