package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Server is the standalone chaos server. Its methods are safe for concurrent
// use.
type Server struct {
	opts    Options
	plane   *dataPlane
	control *control
	stats   *statistician
	metrics *metrics
	handler http.Handler // API and data plane

	peers  peers
	times  times
	relays relays
	base   context.Context // of every request and connection
	cutAll func()          // ends base

	mu       sync.Mutex
	listener net.Listener // nil before Listen
	servers  []*http.Server
	closed   bool
	load     *http.Transport // of documents' load
}

// New makes a Server, which does not listen yet. It returns an error for
// options that cannot be: a target without a name, an upstream that is no URL,
// a data directory that another server uses.
func New(opts Options) (*Server, error) {
	opts = opts.withDefaults()
	targets, err := targetList(opts)
	if err != nil {
		return nil, err
	}
	if !loopback(opts.Host) && opts.AdminToken == "" && !opts.InsecureAdmin {
		return nil, fmt.Errorf("host %s is reachable from other machines, and anybody there could control the server: set an admin token, or allow it with --insecure-admin", opts.Host)
	}
	var scenario *orchestrator.Scenario
	if opts.Scenario != "" {
		if scenario, err = preset(opts.Scenario); err != nil {
			return nil, err
		}
	}
	config := opts.Config
	if opts.Profile != "" {
		if config, err = overProfile(opts.Profile, opts.Config); err != nil {
			return nil, err
		}
	}
	endpoints := newVocabulary(maxEndpoints)
	s := &Server{opts: opts, stats: newStatistician(endpoints), metrics: newMetrics(endpoints), times: defaultTimes}
	s.base, s.cutAll = context.WithCancel(context.Background())
	seen := &observers{always: []injector.Observer{s.stats, s.metrics, transitionLog{opts.Logger}}}
	if opts.Tracer != nil {
		seen.always = append(seen.always, opts.Tracer)
	}
	injectorOptions := []injector.Option{injector.WithSeed(opts.Seed), injector.WithObserver(seen)}
	if opts.TrustForwarded {
		injectorOptions = append(injectorOptions, injector.TrustForwarded())
	}
	if opts.EventLog != "" {
		injectorOptions = append(injectorOptions, injector.InOrder()) // a recorded run can be replayed
	}
	in := injector.New(injectorOptions...)
	s.relays = relays{layers: in, log: opts.Logger}
	s.plane, err = newDataPlane(targets, in, newTransports(opts.UpstreamTLS), opts)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		s.metrics.connections[t.Name] = t.tcp()
	}
	if opts.Tracer != nil {
		for _, t := range s.plane.targets {
			if t.handler != nil {
				t.handler = opts.Tracer.Handler(t.Name, t.handler)
			}
		}
	}
	kept, err := storeFor(opts.DataDir)
	if err != nil {
		return nil, err
	}
	logs, err := logsFor(opts)
	if err != nil {
		_ = kept.close() // the first error says more
		return nil, err
	}
	s.control = &control{
		injector: in, observers: seen, store: kept, events: newHub(), log: opts.Logger, seed: opts.Seed,
		drive: s, known: s.plane.names, eventLog: logs, metrics: s.metrics, tracer: opts.Tracer,
	}
	s.metrics.registry.MustRegister(newGauges(s.control))
	if err := s.control.recover(); err != nil {
		_ = errors.Join(kept.close(), logs.close()) // the first error says more
		return nil, err
	}
	s.control.begin(opts.Chaos, config, scenario)
	s.handler = s.routes()
	s.load = s.newLoadTransport()
	return s, nil
}

func storeFor(dir string) (store, error) {
	if dir == "" {
		return newMemoryStore(), nil
	}
	return openStore(dir)
}

// Handler is the data plane with the API in front, for a server of your own.
// Targets with a port of their own, and load that a document drives, need
// Listen.
func (s *Server) Handler() http.Handler { return s.handler }

// Listen opens the server's port and those of its targets, without serving
// them yet.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil || s.closed {
		return errors.New("the server has listened already")
	}
	open := func(port int) (net.Listener, error) {
		l, err := net.Listen("tcp", net.JoinHostPort(s.opts.Host, portText(port)))
		if err != nil {
			return nil, fmt.Errorf("%w: choose another port with --http-port, or end what uses this one", err)
		}
		return l, nil
	}
	main, err := open(s.opts.Port)
	if err != nil {
		return err
	}
	opened := []net.Listener{main}
	for _, t := range s.plane.targets {
		if t.Port == 0 {
			continue
		}
		l, err := open(t.Port)
		if err != nil {
			for _, o := range opened {
				_ = o.Close() // nothing was accepted
			}
			return fmt.Errorf("target %s: %w", t.Name, err)
		}
		t.listener = l
		opened = append(opened, l)
	}
	s.listener = main
	s.opts.Logger.Info("listening", "url", s.scheme()+"://"+main.Addr().String(), "targets", strings.Join(s.plane.names(), ","), "version", s.opts.Version)
	for _, t := range s.plane.targets {
		if t.listener != nil {
			s.opts.Logger.Info("listening", "url", t.url(s.scheme(), main.Addr()), "target", t.Name)
		}
	}
	return nil
}

// URL is the base URL of the server, without a slash at the end; "" before
// Listen.
func (s *Server) URL() string {
	if l := s.address(); l != nil {
		return s.scheme() + "://" + l.String()
	}
	return ""
}

func (s *Server) address() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

func (s *Server) scheme() string {
	if s.opts.TLS != nil {
		return "https"
	}
	return "http"
}

// Run listens, where Listen was not called, and serves until ctx ends; then it
// stops a run, takes every fault off and lets requests finish for up to 5 s.
func (s *Server) Run(ctx context.Context) error {
	if s.address() == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	failed := make(chan error, 1+len(s.plane.targets))
	serve := func(l net.Listener, h http.Handler) {
		server := s.newHTTPServer(h)
		s.servers = append(s.servers, server)
		go func() {
			var err error
			if s.opts.TLS != nil {
				err = server.ServeTLS(l, "", "")
			} else {
				err = server.Serve(l)
			}
			if !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	serve(s.listener, s.handler)
	for _, t := range s.plane.targets {
		switch {
		case t.tcp():
			s.relays.all.Go(func() {
				if err := s.relays.serve(s.base, t); err != nil {
					failed <- err
				}
			})
		case t.listener != nil:
			serve(t.listener, t.handler)
		}
	}
	s.mu.Unlock()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, s.Close())
}

// Bounds of one connection of HTTP/2. Requests on it must not wait for each
// other: neither for one of many to end, which servers of gRPC do not ask for,
// nor for the bodies of those that a fault holds up.
const (
	maxStreams = 1 << 20
	maxUnread  = 64 << 20 // bytes of bodies
)

func (s *Server) newHTTPServer(h http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, Protocols: &protocols, TLSConfig: s.opts.TLS.Clone(),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: maxUnread},
		ReadHeaderTimeout: s.times.header, IdleTimeout: s.times.idle,
		BaseContext: func(net.Listener) context.Context { return s.base }, ConnContext: s.peers.connContext,
		ErrorLog: quiet(s.opts.Logger),
	}
}

// quiet turns what net/http has to say about clients into debug messages:
// broken connections are this server's trade.
func quiet(l *slog.Logger) *log.Logger {
	return slog.NewLogLogger(l.Handler(), slog.LevelDebug)
}

// Close stops a run, takes every fault off, ends the event streams and lets
// requests finish for up to 5 s; what is left then is cut off, and so are the
// connections of targets of kind tcp, of which nobody knows whether they are
// done. Closing twice is closing once.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	servers := s.servers
	listeners := []net.Listener{s.listener}
	for _, t := range s.plane.targets {
		listeners = append(listeners, t.listener)
	}
	s.mu.Unlock()
	s.opts.Logger.Info("stopping")
	defer s.opts.Logger.Info("stopped")
	s.control.close()
	s.control.events.close()
	ctx, cancel := context.WithTimeout(context.Background(), s.times.shutdown)
	defer cancel()
	for _, t := range s.plane.targets {
		if t.tcp() && t.listener != nil {
			_ = t.listener.Close() // no new ones
		}
	}
	var wait sync.WaitGroup
	for _, server := range servers {
		wait.Go(func() {
			if server.Shutdown(ctx) != nil {
				_ = server.Close() // whoever is left is cut off
			}
		})
	}
	wait.Wait()
	s.cutAll() // tunnels, which no http.Server knows of any more, and connections
	s.relays.all.Wait()
	s.peers.close()
	for _, l := range listeners {
		if l != nil {
			_ = l.Close() // most are closed by now
		}
	}
	s.load.CloseIdleConnections()
	s.plane.transports.close()
	return errors.Join(s.control.eventLog.close(), s.control.store.close())
}

// Enable is the master switch. With it off nothing is injected, whatever the
// config says and an orchestration does.
func (s *Server) Enable(on bool) { s.control.setEnabled(on) }

// transport implements driver.
func (s *Server) transport() http.RoundTripper { return s.load }

// url implements driver. A document without targets means the only one there
// is.
func (s *Server) url(target string) string {
	t := s.plane.find(target)
	if t == nil {
		t = s.plane.targets[0]
	}
	return t.url(s.scheme(), s.address())
}

// newLoadTransport reaches the server's own targets, whatever host their URL
// names, and nothing else.
func (s *Server) newLoadTransport() *http.Transport {
	t := newTransports(s.opts.UpstreamTLS).standard
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(s.address().String())
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
	if s.opts.TLS != nil {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the server talks to itself, over loopback
	}
	return t
}

// Targets lists the targets, sorted by name. They have URLs once the server
// listens.
func (s *Server) Targets() (out []TargetStatus) {
	addr := s.address()
	for _, name := range s.plane.names() {
		t := s.plane.find(name)
		status := TargetStatus{Name: t.Name, Upstream: redacted(t.Upstream)}
		if addr != nil {
			status.URL = t.url(s.scheme(), addr)
		}
		out = append(out, status)
	}
	return out
}

func redacted(upstream string) string {
	if u, err := url.Parse(upstream); err == nil {
		return u.Redacted()
	}
	return ""
}
