package injector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

func Example() {
	shop := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "three apples") })

	in := injector.New(injector.WithSeed(1))
	server := httptest.NewServer(in.Handler(shop))
	defer server.Close()

	remove := in.Apply(injector.Layer{Name: "peak", Config: injector.Config{
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(0.1)},
	}})
	failed := 0
	for range 1000 {
		resp, err := http.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			failed++
		}
	}
	remove()
	fmt.Println(failed, "of 1000 failed")
	// Output: 100 of 1000 failed
}

func ExampleInjector_Handler() {
	in := injector.New()
	in.Apply(injector.Layer{Name: "slow_start", Config: injector.Config{
		Latency: &injector.Latency{FixedDelay: 3 * time.Millisecond},
	}})
	h := in.Handler(http.NotFoundHandler())

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
	for _, name := range []string{"X-Mockforge-Fault", "X-Mockforge-Step", "X-Mockforge-Injected-Latency-Ms"} {
		fmt.Printf("%s: %s\n", name, w.Header().Get(name))
	}
	// Output:
	// X-Mockforge-Fault: latency
	// X-Mockforge-Step: slow_start
	// X-Mockforge-Injected-Latency-Ms: 3
}

func ExampleInjector_RoundTripper() {
	in := injector.New()
	in.Apply(injector.Layer{Config: injector.Config{FaultInjection: &injector.FaultInjection{
		ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(1.0),
	}}})
	client := &http.Client{Transport: in.RoundTripper(http.DefaultTransport)}

	_, err := client.Get("http://payments.test/charge")
	fmt.Println(errors.Is(err, syscall.ECONNRESET))
	// Output: true
}

func ExampleInjector_Listener() {
	in := injector.New()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	l := in.Listener(inner)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "ready")
			c.Close()
		}
	}()

	hear := func() string {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return "refused"
		}
		defer c.Close()
		b, err := io.ReadAll(c)
		if err != nil {
			return "refused"
		}
		return string(b)
	}
	fmt.Println(hear())
	in.Apply(injector.Layer{Config: injector.Config{FaultInjection: &injector.FaultInjection{
		ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(1.0),
	}}})
	fmt.Println(hear())
	// Output:
	// ready
	// refused
}

func ExampleInjector_Target() {
	in := injector.New()
	in.Apply(injector.Layer{Targets: []string{"payments"}, Config: injector.Config{
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(1.0)},
	}})
	upstream := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"payments", "inventory"} {
		w := httptest.NewRecorder()
		in.Target(name).Handler(upstream).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		fmt.Println(name, w.Code)
	}
	// Output:
	// payments 500
	// inventory 200
}

func ExampleInjector_Draws() {
	in := injector.New()
	in.Apply(injector.Layer{Name: "peak", Iteration: 1, Config: injector.Config{
		FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(0.25)},
	}})
	h := in.Handler(http.NotFoundHandler())
	for range 40 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	for _, d := range in.Draws(injector.LayerRef{Name: "peak", Iteration: 1}) {
		fmt.Println(d.Kind, d.Injected, "of", d.Requests)
	}
	// Output: http_error 10 of 40
}

func ExampleConfig_Effects() {
	n, _ := injector.Preset("cascading_failure")
	for _, e := range n.Config.Effects() {
		fmt.Println(e.Section, e.Kind, e.Probability)
	}
	// Output:
	// rate_limit rate_limit 1
	// latency latency 0.7
	// fault_injection http_error 0.3
	// fault_injection connection_error 0.1
	// fault_injection timeout 0.2
}

func ExampleInjector_Relay() {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer upstream.Close()
	go func() { // a database that knows one answer
		for {
			c, err := upstream.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "the answer is 42")
			_ = c.Close()
		}
	}()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer front.Close()

	in := injector.New().Target("db")
	in.Apply(injector.Layer{Name: "cut_off", Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{
		{Type: injector.ToxicLimitData, Stream: injector.Downstream, Attributes: injector.ToxicAttributes{Bytes: 10}},
	}}}})
	go func() {
		for {
			c, err := front.Accept()
			if err != nil {
				return
			}
			go func() {
				err := in.Relay(context.Background(), c, func(ctx context.Context) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", upstream.Addr().String())
				})
				if err != nil {
					fmt.Println(err)
				}
			}()
		}
	}()

	c, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	answer, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", answer, err)
	// Output: "the answer" <nil>
}
