package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"

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
	if err := checkOrigins(opts.CORSOrigins); err != nil {
		return nil, err
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

// Enable is the master switch. With it off nothing is injected, whatever the
// config says and an orchestration does.
func (s *Server) Enable(on bool) { s.control.setEnabled(on) }

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
