package injector_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

const payments = "/shop.Payments/Charge"

// message is a message of gRPC, in its frame.
func message(text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text)))
	return append(b, text...)
}

// readMessage reads the next message of a body.
func readMessage(r io.Reader) (string, error) {
	var prefix [5]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return "", err
	}
	payload := make([]byte, binary.BigEndian.Uint32(prefix[1:]))
	_, err := io.ReadFull(r, payload)
	return string(payload), err
}

// endCall ends a response with a status of gRPC, as a server does.
func endCall(w http.ResponseWriter, code, text string) {
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", code)
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", text)
}

// echoes answers each message with one, while they come.
var echoes = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		m, err := readMessage(r.Body)
		if errors.Is(err, io.EOF) {
			endCall(w, "0", "")
			return
		}
		if err != nil {
			return
		}
		if _, err := w.Write(message("re: " + m)); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
})

// h2c is a client of HTTP/2 without TLS.
func h2c(t *testing.T) *http.Client {
	t.Helper()
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serveH2C serves HTTP/2 without TLS, with the injector in front of a handler.
func serveH2C(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// callSeams are the two places at which a call can meet the injector.
var callSeams = []string{"handler", "round tripper"}

// seam is a client and a URL with the injector between them and an upstream.
func seam(t *testing.T, name string, in *injector.Injector, upstream http.Handler) (*http.Client, string) {
	t.Helper()
	client := h2c(t)
	if name == "handler" {
		return client, serveH2C(t, in.Handler(upstream))
	}
	client.Transport = in.RoundTripper(client.Transport)
	return client, serveH2C(t, upstream)
}

// virtualSeam is seam on virtual time.
func virtualSeam(t *testing.T, name string, upstream http.Handler, opts []injector.Option, f func(w *world)) {
	t.Helper()
	synctestCalls(t, upstream, opts, func(w *world) {
		if name != "handler" {
			transport := w.client.Transport.(*http.Transport)
			lis := newMemory()
			server := &http.Server{Handler: upstream, Protocols: transport.Protocols}
			go func() { _ = server.Serve(lis) }() // ends when the test closes it
			defer server.Close()
			transport.DialContext = lis.dial
			w.client.Transport = w.in.RoundTripper(transport)
		}
		f(w)
	})
}

// A callResult is what a client of gRPC learns from a call.
type callResult struct {
	header   http.Header
	trailer  http.Header // or the header, of an answer without messages
	messages []string
	err      error // of the stream; a status is none
}

func (r callResult) status() string { return r.trailer.Get("Grpc-Status") }

// call makes a call with all its messages at once.
func call(ctx context.Context, client *http.Client, url string, header http.Header, messages ...string) callResult {
	var body strings.Builder
	for _, m := range messages {
		body.Write(message(m))
	}
	// A reader of no known type: the length is unknown, as gRPC has it.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, io.MultiReader(strings.NewReader(body.String())))
	if err != nil {
		return callResult{err: err}
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/grpc+proto")
	req.Header.Set("Te", "trailers")
	resp, err := client.Do(req)
	if err != nil {
		return callResult{err: err}
	}
	return readCall(resp)
}

// readCall reads a response to its end.
func readCall(resp *http.Response) callResult {
	defer resp.Body.Close()
	out := callResult{header: resp.Header}
	for {
		m, err := readMessage(resp.Body)
		if err != nil {
			if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				out.err = err
			}
			break
		}
		out.messages = append(out.messages, m)
	}
	out.trailer = resp.Trailer
	if resp.Header.Get("Grpc-Status") != "" {
		out.trailer = resp.Header
	}
	return out
}

// grpcLayer is a layer with one section of gRPC.
func grpcLayer(g injector.GRPC) injector.Layer {
	return injector.Layer{Name: "step", Config: injector.Config{GRPC: &g}}
}

// requireReset checks that a stream was reset.
func requireReset(t *testing.T, name string, err error) {
	t.Helper()
	if name == "handler" {
		require.ErrorContains(t, err, "stream error")
		return
	}
	var op *net.OpError
	require.True(t, errors.As(err, &op) || errors.Is(err, io.EOF), "%v", err)
}
