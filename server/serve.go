package server

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Run listens, where Listen was not called, and serves until ctx ends, or until
// Close; then it stops a run, takes every fault off and lets requests finish for
// up to 5 s.
func (s *Server) Run(ctx context.Context) error {
	if s.address() == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return http.ErrServerClosed
	}
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
	case <-s.base.Done(): // somebody else has closed it
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
