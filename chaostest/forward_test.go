package chaostest_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// accepts puts an http.Server behind the default target, as a server that takes
// a listener does it, and a client of the same version in front of it.
func accepts(mux http.Handler, version func(*http.Protocols, bool), use func(env *chaostest.Env, client *http.Client)) chaostest.Option {
	return chaostest.Setup(func(env *chaostest.Env) {
		var protocols http.Protocols
		version(&protocols, true)
		s := &http.Server{Handler: mux, Protocols: &protocols}
		l := env.Listen("default")
		go func() { _ = s.Serve(l) }()
		env.Cleanup(func() { _ = s.Close() })
		client := &http.Client{Transport: &http.Transport{DialContext: env.Target("default").Dial, Protocols: &protocols, DisableCompression: true}}
		env.Cleanup(client.CloseIdleConnections)
		use(env, client)
	})
}

// talkative is a server whose answers need more than a body.
func talkative() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Sum")
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
		w.Header().Set("Sum", fmt.Sprintf("%s %d %s %s", r.Proto, len(body), r.Trailer.Get("Check"), r.Host))
	})
	mux.HandleFunc("/hang-up", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		stream := http.NewResponseController(w)
		w.Header().Set("Trailer", "Grpc-Status")
		_ = stream.Flush()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			_ = stream.Flush()
		}
		w.Header().Set("Grpc-Status", "0")
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
		_ = rw.Flush()
		shouts(c)
	})
	return mux
}

func TestListenHTTP1(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		var client *http.Client
		in(t, chaos("slow", time.Minute, slow(10*time.Millisecond)), func(step *chaostest.Step) {
			start := time.Now()
			req, err := http.NewRequestWithContext(step.Context(), http.MethodPost, env.URL+"/trailers", io.MultiReader(strings.NewReader("hello")))
			require.NoError(step, err)
			req.Host, req.Trailer = "orders.example", http.Header{"Check": {"7"}}
			resp, err := client.Do(req)
			require.NoError(step, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(step, err)
			require.NoError(step, resp.Body.Close())
			require.Equal(step, "hello", string(body))
			require.Equal(step, "HTTP/1.1 5 7 orders.example", resp.Trailer.Get("Sum"))
			require.GreaterOrEqual(step, time.Since(start), 9*time.Millisecond, "the chaos is in between")

			_, _, err = get(step.Context(), client, env.URL+"/hang-up")
			require.ErrorIs(step, err, io.EOF, "no answer is passed on as none")

			c, err := env.Target("default").Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			defer c.Close()
			fmt.Fprint(c, "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
			answers := bufio.NewReader(c)
			resp, err = http.ReadResponse(answers, nil)
			require.NoError(step, err)
			require.Equal(step, http.StatusSwitchingProtocols, resp.StatusCode)
			for _, word := range []string{"one", "two"} {
				fmt.Fprintln(c, word)
				answer, err := answers.ReadString('\n')
				require.NoError(step, err)
				require.Equal(step, strings.ToUpper(word)+"\n", answer)
			}
			step.Clock().Advance(time.Hour)
		}, append(options, accepts(talkative(), (*http.Protocols).SetHTTP1, func(e *chaostest.Env, c *http.Client) { env, client = e, c }))...)
	})
}

// What a gRPC server needs, which speaks HTTP/2 only: both directions at once,
// and trailers.
func TestListenHTTP2(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		var client *http.Client
		in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
			read, write := io.Pipe()
			req, err := http.NewRequestWithContext(step.Context(), http.MethodPost, env.URL+"/echo", read)
			require.NoError(step, err)
			req.Header.Set("Content-Type", "application/grpc+proto")
			resp, err := client.Do(req)
			require.NoError(step, err)
			defer resp.Body.Close()
			require.Equal(step, 2, resp.ProtoMajor)
			answers := bufio.NewReader(resp.Body)
			for _, word := range []string{"one", "two"} {
				fmt.Fprintln(write, word)
				answer, err := answers.ReadString('\n')
				require.NoError(step, err)
				require.Equal(step, strings.ToUpper(word)+"\n", answer)
			}
			require.NoError(step, write.Close())
			_, err = io.Copy(io.Discard, answers)
			require.NoError(step, err)
			require.Equal(step, "0", resp.Trailer.Get("Grpc-Status"))
			step.Clock().Advance(time.Hour)
		}, append(options, accepts(talkative(), (*http.Protocols).SetUnencryptedHTTP2, func(e *chaostest.Env, c *http.Client) { env, client = e, c }))...)
	})
}

// gRPC-Web on HTTP/1.1 gets to a server that knows nothing else.
func TestListenGRPCWeb(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, options ...chaostest.Option) {
		var env *chaostest.Env
		var client *http.Client
		in(t, chaos("slow", time.Minute, slow(10*time.Millisecond)), func(step *chaostest.Step) {
			resp, err := client.Post(env.URL+"/trailers", "application/grpc-web+proto", strings.NewReader("hello"))
			require.NoError(step, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(step, err)
			require.Equal(step, "hello", string(body))
			step.Clock().Advance(time.Hour)
		}, append(options, accepts(talkative(), (*http.Protocols).SetHTTP1, func(e *chaostest.Env, c *http.Client) { env, client = e, c }))...)
	})
}
