package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// A role is what a process can be.
type role struct{ name, title string }

var roles = []role{ // constant
	{"direct", "no proxy"},
	{"plain", "`httputil.ReverseProxy`, default transport"},
	{"tuned", "`httputil.ReverseProxy`, tuned transport and buffer pool"},
	{"off", "this server, chaos off"},
	{"quiet", "this server, quiet layer"},
	{"busy", "this server, 10 % HTTP errors and a rule that misses"},
	{"echo", "this server, answering itself"},
}

// fair is the contestant that the others are compared with.
const fair = 2

// serve is a contestant, until its standard input ends. It prints its URL and,
// for each line that it reads, the CPU time that it has used.
func serve(role, upstream string) error {
	var at string
	var err error
	switch role {
	case "backend":
		answer := make([]byte, 1024)
		size := strconv.Itoa(len(answer))
		at, err = listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", size)
			_, _ = w.Write(answer) // whether the client still reads is its own affair
		}))
	case "plain", "tuned":
		at, err = listen(reverseProxy(upstream, role == "tuned"))
	default:
		at, err = mockforge(role, upstream)
	}
	if err != nil {
		return err
	}
	fmt.Println(at)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println(cpuTime().Microseconds())
	}
	return in.Err()
}

func listen(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	go func() { _ = s.Serve(l) }() // ends with the process
	return "http://" + l.Addr().String(), nil
}

func reverseProxy(upstream string, tuned bool) http.Handler {
	u, err := url.Parse(upstream)
	if err != nil {
		panic(err) // this program made it
	}
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.SetXForwarded()
	}}
	if tuned {
		p.BufferPool = &buffers{}
		p.Transport = &http.Transport{MaxIdleConnsPerHost: 4096, DisableCompression: true, IdleConnTimeout: 90 * time.Second, TLSClientConfig: &tls.Config{}}
	}
	return p
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return p[:]
	}
	return new([32 << 10]byte)[:]
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[32 << 10]byte)(p)) }

// mockforge is this server in one of its states.
func mockforge(role, upstream string) (string, error) {
	o := server.Options{Port: server.AnyPort, Upstream: upstream, Chaos: role != "off", Logger: slog.New(slog.DiscardHandler)}
	one, tenth, hardly := 1.0, 0.1, 1e-9
	switch role {
	case "echo":
		o.Upstream = ""
	case "busy":
		// The rule that misses stands in the way of every request, too.
		o.Config = injector.Config{
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &tenth},
			Latency:        &injector.Latency{FixedDelay: time.Millisecond, Probability: &hardly},
		}
	default:
		o.Config = injector.Config{FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{503}, HTTPErrorProbability: &one, RequestMatcher: &injector.RequestMatcher{Paths: []string{"/never"}},
		}}
	}
	s, err := server.New(o)
	if err != nil {
		return "", err
	}
	if err := s.Listen(); err != nil {
		return "", err
	}
	go func() { _ = s.Run(context.Background()) }() // ends with the process
	return s.URL(), nil
}
