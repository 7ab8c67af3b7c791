package injector_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

func shaped(s injector.TrafficShaping) injector.Layer {
	return injector.Layer{Name: "net", Config: injector.Config{TrafficShaping: &s}}
}

func TestPacketLossStalls(t *testing.T) {
	t.Parallel()
	seen := &events{}
	virtual(t, ok, []injector.Option{injector.WithSeed(4), injector.WithObserver(seen)}, func(w *world) {
		w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 10}))
		longest := time.Duration(0)
		for range 1000 {
			before := time.Now()
			_, body, err := get(w.client, "http://test")
			require.NoError(w, err, "nothing is lost in a stream")
			require.Equal(w, "hello, world", body)
			took := time.Since(before)
			require.Zero(w, took%(200*time.Millisecond), "stalls are sums of retransmission time-outs")
			longest = max(longest, took)
		}
		require.Greater(w, longest, 400*time.Millisecond, "some retransmissions are lost too")
	})
	require.Equal(t, 200, seen.count("packet_loss"), "one in ten, each way")
}

func TestLongStallIsAReset(t *testing.T) {
	t.Parallel()
	virtual(t, ok, []injector.Option{injector.WithSeed(4)}, func(w *world) {
		w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 99, ConnectionTimeout: new(time.Second)}))
		_, _, err := get(w.client, "http://test")
		require.Error(w, err)
		require.Equal(w, time.Second, w.elapsed())
	})
}

func TestPartitionIsSilence(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		remove := w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 100, ConnectionTimeout: new(time.Second)}))
		hasty := *w.client
		hasty.Timeout = time.Minute
		_, _, err := get(&hasty, "http://test")
		require.ErrorIs(w, err, context.DeadlineExceeded, "no answer and no reset: the client's own time-out ends it")
		require.Equal(w, time.Minute, w.elapsed())
		go func() {
			time.Sleep(time.Minute)
			remove()
		}()
		_, body, err := get(w.client, "http://test")
		require.NoError(w, err, "the link has healed")
		require.Equal(w, "hello, world", body)
		require.Equal(w, 2*time.Minute, w.elapsed())
	})
}

func TestStallsOfLayersAddUp(t *testing.T) {
	t.Parallel()
	seen := &events{}
	virtual(t, ok, []injector.Option{injector.WithSeed(4), injector.WithObserver(seen)}, func(w *world) {
		for _, name := range []string{"a", "b"} {
			l := shaped(injector.TrafficShaping{PacketLossPercent: 40})
			l.Name = name
			l.Config.Latency = &injector.Latency{FixedDelay: time.Second}
			w.in.Apply(l)
		}
		both := 0
		for i := range 100 {
			before := time.Now()
			_, _, err := get(w.client, "http://test")
			require.NoError(w, err)
			var want time.Duration
			losses := 0
			for _, d := range seen.requests[i].Decisions {
				want += d.Delay
				if d.Kind == "packet_loss" {
					losses++
				}
			}
			if losses > 2 {
				both++
			}
			require.Equal(w, want, time.Since(before), "request %d", i)
		}
		require.NotZero(w, both, "some requests must lose packets in both layers")
	})
}

// What waited in a layer that is gone goes on as if the layer had never been
// there: what comes behind the wait does not happen any more.
func TestHealedLinkHasNoMoreFaults(t *testing.T) {
	t.Parallel()
	for _, sequenced := range []bool{false, true} {
		var opts []injector.Option
		if sequenced {
			opts = append(opts, injector.WithSequencer(&sequencer{}))
		}
		virtual(t, ok, opts, func(w *world) {
			l := shaped(injector.TrafficShaping{PacketLossPercent: 100})
			l.Config.FaultInjection = &injector.FaultInjection{HTTPErrorProbability: new(1.0)}
			time.AfterFunc(time.Second, w.in.Apply(l))
			w.in.Apply(slow(time.Second)) // still in force, and still entered
			resp, _, err := get(w.client, "http://test")
			require.NoError(w, err)
			require.Equal(w, 200, resp.StatusCode)
			require.InDelta(w, float64(2*time.Second), float64(w.elapsed()), float64(grid))
		})
	}
}

func TestBandwidth(t *testing.T) {
	t.Parallel()
	const size = 100_000
	tests := []struct {
		name      string
		parallel  int
		upload    bool
		sequenced bool
		want      time.Duration
	}{
		{"download", 1, false, false, 10 * time.Second},
		{"two downloads share it", 2, false, false, 20 * time.Second},
		{"upload", 1, true, false, 10 * time.Second},
		{"two uploads share it", 2, true, false, 20 * time.Second},
		{"in order", 2, false, true, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var opts []injector.Option
			if tt.sequenced {
				opts = append(opts, injector.WithSequencer(&sequencer{}))
			}
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.upload {
					n, err := io.Copy(io.Discard, r.Body)
					if err != nil || n != size {
						panic(fmt.Sprint(n, err))
					}
					return
				}
				_, _ = w.Write(make([]byte, size))
			})
			virtual(t, h, opts, func(w *world) {
				w.in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 10_000}))
				var wg sync.WaitGroup
				var mu sync.Mutex
				var ends []time.Duration
				for range tt.parallel {
					wg.Go(func() {
						var err error
						n := size
						if tt.upload {
							var resp *http.Response
							if resp, err = w.client.Post("http://test", "", bytes.NewReader(make([]byte, size))); err == nil {
								resp.Body.Close()
							}
						} else {
							var body string
							_, body, err = get(w.client, "http://test")
							n = len(body)
						}
						mu.Lock()
						defer mu.Unlock()
						if err != nil || n != size {
							w.Errorf("%d bytes, %v", n, err)
						}
						ends = append(ends, w.elapsed())
					})
				}
				wg.Wait()
				for _, end := range ends {
					require.InEpsilon(w, float64(tt.want), float64(end), 0.02, "%v", ends)
				}
			})
		})
	}
}

func TestBandwidthFlows(t *testing.T) {
	t.Parallel()
	virtual(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 10_000))
	}), nil, func(w *world) {
		w.in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		resp, err := w.client.Get("http://test")
		require.NoError(w, err)
		defer resp.Body.Close()
		require.Less(w, w.elapsed(), time.Second, "the header does not wait for the body")
		_, err = io.ReadFull(resp.Body, make([]byte, 5000))
		require.NoError(w, err)
		require.InDelta(w, 5e9, float64(w.elapsed()), 1e8, "half of the bytes after half of the time")
	})
}

func TestBandwidthEndsWithTheLayer(t *testing.T) {
	t.Parallel()
	virtual(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 10_000))
	}), nil, func(w *world) {
		remove := w.in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		time.AfterFunc(3*time.Second, remove)
		_, body, err := get(w.client, "http://test")
		require.NoError(w, err)
		require.Len(w, body, 10_000)
		require.Equal(w, 3*time.Second, w.elapsed())
	})
}

func TestEventsStreamThrough(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	layers := map[string]injector.Config{
		"none":       {},
		"latency":    {Latency: &injector.Latency{FixedDelay: time.Second}},
		"breaker":    {CircuitBreaker: &injector.CircuitBreaker{}},
		"bandwidth":  {TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1 << 20}},
		"corruption": {FaultInjection: &injector.FaultInjection{PayloadCorruptionProbability: one}},
	}
	for name, config := range layers {
		for _, sequenced := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " sequenced ", sequenced), func(t *testing.T) {
				t.Parallel()
				var opts []injector.Option
				if sequenced {
					opts = append(opts, injector.WithSequencer(&sequencer{}))
				}
				virtual(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					for range 3 {
						time.Sleep(10 * time.Second)
						_, _ = io.WriteString(w, "data: x\n\n")
						_ = http.NewResponseController(w).Flush()
					}
					<-r.Context().Done()
				}), opts, func(w *world) {
					w.in.Apply(injector.Layer{Config: config})
					resp, err := w.client.Get("http://test")
					require.NoError(w, err)
					first := w.elapsed()
					for range 2 {
						_, err = io.ReadFull(resp.Body, make([]byte, 9))
						require.NoError(w, err)
					}
					require.InDelta(w, float64(10*time.Second), float64(w.elapsed()-first), float64(time.Millisecond),
						"each event arrives when it was sent")
					require.NoError(w, resp.Body.Close())
				})
			})
		}
	}
}

// Everything that waits must leave nothing behind: synctest fails a test whose
// goroutines do not end.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 100}))
		in.Apply(slow(time.Hour))
		h := in.Handler(ok)
		for range 10 {
			go ask(h, "GET", "/", "127.0.0.1:1")
		}
		time.Sleep(time.Second)
		in.Release()
	})
}

// A response that is reset is over for the upstream's handler too, whatever it
// waits for.
func TestResetEndsTheHandler(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		// Some requests get lost, some responses do, and some come through.
		for seed := range uint64(20) {
			var began, ended atomic.Int64
			streams := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				began.Add(1)
				_, _ = io.WriteString(w, "data: 1\n\n")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
					ended.Add(1)
				case <-time.After(time.Minute):
				}
			})
			virtual(t, streams, []injector.Option{injector.WithSeed(seed)}, func(w *world) {
				if http2 {
					transport := w.client.Transport.(*http.Transport)
					transport.Protocols = new(http.Protocols)
					transport.Protocols.SetUnencryptedHTTP2(true)
				}
				remove := w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 50, ConnectionTimeout: new(100 * time.Millisecond)}))
				defer remove()
				resp, err := w.client.Get("http://test")
				if err == nil {
					resp.Body.Close() // nothing got lost
				}
				time.Sleep(time.Second)
				require.Equal(w, began.Load(), ended.Load(), "seed %d, error %v", seed, err)
			})
		}
	}
}

// A response to HEAD has no bytes that could take time, whatever its handler
// writes.
func TestBandwidthOfAHead(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		w.in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1}))
		resp, err := w.client.Head("http://test")
		require.NoError(w, err)
		resp.Body.Close()
		require.Zero(w, w.elapsed())
	})
}
