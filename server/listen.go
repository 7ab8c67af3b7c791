package server

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Listen opens the server's port and those of its targets, without serving
// them yet.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil || s.closed {
		return errors.New("the server has listened already")
	}
	open := func(port int) (net.Listener, error) {
		return net.Listen("tcp", net.JoinHostPort(s.opts.Host, portText(port)))
	}
	main, err := open(s.opts.Port)
	if err != nil {
		return fmt.Errorf("%w: choose another port with --http-port, or end what uses this one", err)
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
			return fmt.Errorf("target %s: %w: choose another port with port= of --target, or end what uses this one", t.Name, err)
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
