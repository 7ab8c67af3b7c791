package injector_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// unary answers the first message, after the request's end.
var unary = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	m, err := readMessage(r.Body)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/grpc")
	_, _ = w.Write(message("re: " + m))
	endCall(w, "0", "")
})

// collect answers once all messages are there.
var collect = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	n := 0
	for {
		if _, err := readMessage(r.Body); err != nil {
			if err != io.EOF {
				return
			}
			break
		}
		n++
	}
	_, _ = w.Write(message(fmt.Sprint(n)))
	endCall(w, "0", "")
})

// watch answers one message with five.
var watch = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := readMessage(r.Body); err != nil {
		return
	}
	for i := range 5 {
		if _, err := w.Write(message(fmt.Sprint(i))); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
	endCall(w, "0", "")
})

func interruption(after int) injector.GRPC {
	return injector.GRPC{StreamInterruptionProbability: new(1.0), InterruptAfterMessages: [2]int{after, after}}
}

// A call is broken off after exactly as many messages as were drawn, whichever
// way they went; one that ends before is left alone.
func TestStreamInterruption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind     string
		upstream http.Handler
		sends    int
		after    int
		gets     []string
		spared   bool
	}{
		{"unary", unary, 1, 1, nil, false},
		{"unary", unary, 1, 2, []string{"re: 0"}, false},
		{"unary", unary, 1, 3, []string{"re: 0"}, true},
		{"server stream", watch, 1, 1, nil, false},
		{"server stream", watch, 1, 4, []string{"0", "1", "2"}, false},
		{"server stream", watch, 1, 6, []string{"0", "1", "2", "3", "4"}, false},
		{"server stream", watch, 1, 7, []string{"0", "1", "2", "3", "4"}, true},
		{"client stream", collect, 4, 2, nil, false},
		{"client stream", collect, 4, 4, nil, false},
		{"client stream", collect, 4, 5, []string{"4"}, false},
		{"client stream", collect, 4, 6, []string{"4"}, true},
	}
	for _, tt := range tests {
		for _, name := range callSeams {
			for _, reset := range []bool{false, true} {
				t.Run(fmt.Sprint(tt.kind, " ", tt.after, " ", name, " reset ", reset), func(t *testing.T) {
					t.Parallel()
					seen := &events{}
					in := injector.New(injector.WithObserver(seen))
					g := interruption(tt.after)
					g.InterruptionStatus = "DATA_LOSS"
					if reset {
						g.InterruptionStatus = "reset"
					}
					in.Apply(grpcLayer(g))
					client, url := seam(t, name, in, tt.upstream)
					var sends []string
					for i := range tt.sends {
						sends = append(sends, fmt.Sprint(i))
					}
					r := call(t.Context(), client, url+payments, nil, sends...)
					require.Eventually(t, func() bool { return seen.done() == 1 }, 10*time.Second, time.Millisecond)
					o, d := seen.outcomes[0], seen.requests[0].Decisions[0]
					draw := in.Draws(injector.LayerRef{Name: "step"})[0]
					require.Equal(t, injector.KindStreamInterruption, d.Kind)
					require.False(t, d.Masked, "it is decided before it is known how the call goes")
					if tt.spared {
						require.NoError(t, r.err)
						require.Equal(t, tt.gets, r.messages)
						require.Equal(t, "0", r.status())
						require.Empty(t, r.header.Get("X-Mockforge-Fault"))
						require.Empty(t, o.Fault)
						require.False(t, o.Failed)
						require.Equal(t, []injector.Decision{d}, o.Spared)
						require.Equal(t, []uint64{0, 1}, []uint64{draw.Injected, draw.Masked})
						return
					}
					require.Equal(t, injector.KindStreamInterruption, o.Fault)
					require.True(t, o.Failed)
					require.Empty(t, o.Spared)
					require.Equal(t, []uint64{1, 0}, []uint64{draw.Injected, draw.Masked})
					if reset {
						requireReset(t, name, r.err)
						require.Equal(t, tt.gets, r.messages)
						require.Zero(t, d.Status)
						return
					}
					require.NoError(t, r.err)
					require.Equal(t, tt.gets, r.messages)
					require.Equal(t, "15", r.status())
					require.Equal(t, "injected stream interruption in step step", r.trailer.Get("Grpc-Message"))
					require.Equal(t, "stream_interruption", r.trailer.Get("X-Mockforge-Fault"))
					require.Equal(t, "step", r.trailer.Get("X-Mockforge-Step"))
					require.Equal(t, 15, d.Status)
				})
			}
		}
	}
}

// A client that waits for each answer before it sends on sees the same.
func TestInterruptedConversation(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(grpcLayer(interruption(5)))
			gone := make(chan error, 1)
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				echoes(w, r)
				<-r.Context().Done()
				gone <- r.Context().Err()
			}))
			body, send := io.Pipe()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+payments, body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/grpc")
			resp, err := client.Do(req)
			require.NoError(t, err)
			for i := range 2 {
				_, err = send.Write(message(fmt.Sprint(i)))
				require.NoError(t, err)
				m, err := readMessage(resp.Body)
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint("re: ", i), m)
			}
			_, err = send.Write(message("2")) // the fifth
			require.NoError(t, err)
			r := readCall(resp)
			require.NoError(t, r.err)
			require.Empty(t, r.messages)
			require.Equal(t, "14", r.status())
			require.ErrorIs(t, <-gone, context.Canceled, "the upstream is told")
		})
	}
}

// An upstream that says nothing does not keep its client waiting.
func TestInterruptionOfSilence(t *testing.T) {
	t.Parallel()
	var got string
	synctestCalls(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = readMessage(r.Body)
		<-r.Context().Done()
	}), nil, func(w *world) {
		w.in.Apply(grpcLayer(interruption(1)))
		r := call(context.Background(), w.client, "http://test"+payments, nil, "hello")
		require.Equal(w, "14", r.status())
		require.Equal(w, time.Millisecond, w.elapsed())
	})
	require.Equal(t, "hello", got)
}

// A call that its client leaves was not broken off.
func TestInterruptionOfNobody(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	in.Apply(grpcLayer(interruption(9)))
	client, url := seam(t, "handler", in, echoes)
	ctx, cancel := context.WithCancel(t.Context())
	body, _ := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+payments, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	resp, err := client.Do(req)
	require.NoError(t, err)
	cancel()
	_ = resp.Body.Close()
	require.Eventually(t, func() bool { return seen.done() == 1 }, 10*time.Second, time.Millisecond)
	require.True(t, seen.outcomes[0].Canceled)
	require.Len(t, seen.outcomes[0].Spared, 1)
}

// Of several layers, the one that wants the fewest messages breaks the call off.
func TestInterruptionsOfLayers(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	for i, after := range []int{3, 2, 2} {
		l := grpcLayer(interruption(after))
		l.Name = fmt.Sprint(i)
		in.Apply(l)
	}
	client, url := seam(t, "handler", in, watch)
	r := call(t.Context(), client, url+payments, nil, "x")
	require.Equal(t, []string{"0"}, r.messages)
	require.Equal(t, []string{"1"}, r.trailer.Values("X-Mockforge-Step"))
	require.Eventually(t, func() bool { return seen.done() == 1 }, 10*time.Second, time.Millisecond)
	require.Len(t, seen.outcomes[0].Spared, 2)
	for i, want := range []uint64{0, 1, 0} {
		require.Equal(t, want, in.Draws(injector.LayerRef{Name: fmt.Sprint(i)})[0].Injected)
	}
}

// Noise changes payloads and leaves alone what says how long they are.
func TestCorruptionOfMessages(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(faults(injector.FaultInjection{PayloadCorruptionProbability: new(1.0)}))
			sizes := []int{0, 1, 2000, 3, 70000}
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				var all []byte
				for _, n := range sizes {
					all = append(all, message(string(bytes.Repeat([]byte("x"), n)))...)
				}
				for len(all) > 0 { // prefixes are torn apart
					n := min(len(all), 7)
					_, _ = w.Write(all[:n])
					all = all[n:]
				}
				endCall(w, "0", "")
			}))
			r := call(t.Context(), client, url+payments, nil, "x")
			require.NoError(t, r.err)
			require.Equal(t, "0", r.status())
			require.Len(t, r.messages, len(sizes))
			changed := 0
			for i, n := range sizes {
				require.Len(t, r.messages[i], n)
				changed += n - bytes.Count([]byte(r.messages[i]), []byte("x"))
			}
			require.NotEqual(t, "x", r.messages[1], "even the shortest is changed")
			require.InDelta(t, 7200, changed, 10)
		})
	}
}

// A partial response of a call is a stream that was reset.
func TestPartialCall(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		in := injector.New()
		in.Apply(faults(injector.FaultInjection{PartialResponseProbability: new(1.0)}))
		client, url := seam(t, name, in, watch)
		r := call(t.Context(), client, url+payments, nil, "x")
		require.Error(t, r.err)
		require.Empty(t, r.status())
	}
}

// What was held back is no end: an upstream never takes the messages that it
// got for all that there were.
func TestInterruptedUploadHasNoEnd(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		in := injector.New()
		in.Apply(grpcLayer(interruption(2)))
		got, ended := make(chan int64, 1), make(chan error, 1)
		client, url := seam(t, name, in, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			got <- n
			ended <- err
		}))
		r := call(t.Context(), client, url+payments, nil, "1", "2", "3")
		require.Equal(t, "14", r.status())
		n := <-got
		require.LessOrEqual(t, n, int64(2*len(message("1"))), "no more than two messages")
		if name == "handler" {
			require.Equal(t, int64(2*len(message("1"))), n)
		}
		require.Error(t, <-ended)
	}
}

// A proxy that waits for its client's next message notices the end all the same.
func TestInterruptionThroughAProxy(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(grpcLayer(interruption(2)))
	upstream, err := url.Parse(serveH2C(t, echoes))
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	proxy.Transport = h2c(t).Transport
	client, base := seam(t, "handler", in, proxy)
	body, send := io.Pipe() // never closed
	go func() { _, _ = send.Write(message("hello")) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+payments, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	resp, err := client.Do(req)
	require.NoError(t, err)
	r := readCall(resp)
	require.NoError(t, r.err)
	require.Equal(t, []string{"re: hello"}, r.messages)
	require.Equal(t, "14", r.status())
}

// A message that may not pass does not cut the one that is on its way to the
// client.
func TestInterruptionLetsAMessageArrive(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(grpcLayer(interruption(2)))
			first, second := message("first"), message(strings.Repeat("x", 1000))
			goOn := make(chan struct{})
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadFull(r.Body, make([]byte, len(first)))
				_, _ = w.Write(second[:500])
				_ = http.NewResponseController(w).Flush()
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
				_, _ = w.Write(second[500:])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}))
			body, send := io.Pipe()
			defer send.Close()
			go func() { _, _ = send.Write(first) }()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+payments, body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/grpc")
			resp, err := client.Do(req)
			require.NoError(t, err)
			half := make([]byte, 500)
			_, err = io.ReadFull(resp.Body, half)
			require.NoError(t, err)
			_, err = send.Write(message("one too many"))
			require.NoError(t, err)
			time.Sleep(20 * time.Millisecond) // it is not the end of what is on its way
			close(goOn)
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader(half), resp.Body), resp.Body}
			r := readCall(resp)
			require.NoError(t, r.err)
			require.Equal(t, []string{strings.Repeat("x", 1000)}, r.messages)
			require.Equal(t, "14", r.status())
		})
	}
}

// A message that is on its way up arrives, though the upstream begins one that
// may not pass any more.
func TestInterruptionLetsAMessageArriveAtTheUpstream(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(grpcLayer(interruption(1)))
			got, began := make(chan string, 1), make(chan struct{})
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = r.Body.Read(make([]byte, 1))
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				close(began)
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					_, _ = w.Write(message("one too many"))
					_ = http.NewResponseController(w).Flush()
				}()
				rest, _ := io.ReadAll(r.Body)
				got <- string(rest)
				<-wrote
			}))
			body, send := io.Pipe()
			defer send.Close()
			long := message(strings.Repeat("x", 1000))
			go func() {
				_, _ = send.Write(long[:10])
				<-began
				time.Sleep(20 * time.Millisecond) // what it waits for is not time
				_, _ = send.Write(long[10:])
			}()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+payments, body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/grpc")
			resp, err := client.Do(req)
			require.NoError(t, err)
			r := readCall(resp)
			require.NoError(t, r.err)
			require.Empty(t, r.messages)
			require.Equal(t, "14", r.status())
			require.Equal(t, string(long[1:]), <-got)
		})
	}
}

// The message after which a call is broken off arrives, though the header comes
// while it is on its way.
func TestInterruptionAfterALongMessage(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(grpcLayer(interruption(1)))
			got := make(chan string, 1)
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = r.Body.Read(make([]byte, 1))
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				rest, _ := io.ReadAll(r.Body)
				got <- string(rest)
			}))
			body, send := io.Pipe()
			defer send.Close()
			long := message(strings.Repeat("x", 1000))
			go func() { _, _ = send.Write(long[:10]) }()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+payments, body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/grpc")
			resp, err := client.Do(req)
			require.NoError(t, err)
			require.Empty(t, resp.Header.Get("Grpc-Status"))
			_, err = send.Write(long[10:])
			require.NoError(t, err)
			r := readCall(resp)
			require.NoError(t, r.err)
			require.Equal(t, "14", r.status())
			require.Equal(t, string(long[1:]), <-got)
		})
	}
}
