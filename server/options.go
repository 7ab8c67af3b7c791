package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// Options say what a Server stands in front of and who may control it. The
// zero Options echo every request on 127.0.0.1:3000, with chaos off.
type Options struct {
	// Host to listen on. Default: 127.0.0.1. On an address that is not loopback
	// an AdminToken is needed, or InsecureAdmin.
	Host string
	// Port to listen on; AnyPort chooses a free one. Default (0): 3000.
	Port int

	// Upstream is the URL behind the target named "default": http, https, or
	// h2c for HTTP/2 without TLS. Default: none; without any target the server
	// answers itself, with a JSON echo of the request.
	Upstream string
	// Targets are further upstreams.
	Targets []Target
	// UpstreamTLS is used for https upstreams. Default: the system's roots.
	UpstreamTLS *tls.Config
	// TLS, with at least one certificate, serves https instead of http.
	TLS *tls.Config

	// Chaos is the master switch at the start, see Server.Enable.
	Chaos bool
	// Config is the standing config: what goes wrong while no orchestration
	// runs. Default: nothing.
	Config injector.Config
	// Profile is a network profile to start with; Config's sections take the
	// place of its own. Default: none.
	Profile string
	// Scenario is a preset to start with, as POST /api/chaos/scenarios/NAME
	// does. Default: none.
	Scenario string
	// Seed of the standing config's decisions. Default: 0.
	Seed uint64
	// TrustForwarded takes the client's address from X-Forwarded-For.
	TrustForwarded bool

	// AdminToken is asked for by the API and by /metrics: Authorization: Bearer
	// TOKEN. Default: none is asked for.
	AdminToken string
	// InsecureAdmin allows an address that is not loopback without a token.
	InsecureAdmin bool
	// CORSOrigins may use the API from a browser. Default: none.
	CORSOrigins []string

	// DataDir keeps imports, profiles, the history and the running
	// orchestration. Default: memory.
	DataDir string
	// EventLog is a file that the events of each run are appended to. Default:
	// none.
	EventLog string
	// EventLogBytes is the size at which the event log is rotated. Default (0):
	// 64 MiB.
	EventLogBytes int64

	// Logger receives what the server has to say, never secrets or bodies.
	// Default: slog.Default().
	Logger *slog.Logger
	// Tracer follows requests, runs and steps. Default: nothing does, at no
	// cost.
	Tracer Tracer
	// Version is shown by /health and the API. Default: "(devel)".
	Version string
}

// AnyPort as Options.Port, or Target.Port, lets the system choose.
const AnyPort = -1

// A Target is a named upstream and how requests find it: on a port of its own,
// by the Host header, or by a prefix of the path.
type Target struct {
	Name string // of letters, digits, '-', '_' and '.'
	// Upstream is as Options.Upstream; "": the JSON echo. One that begins with
	// tcp:// makes the target one of kind tcp: its connections are carried to the
	// host and port, whatever they speak. It needs a Port, and has no other way.
	Upstream string
	// Port of its own. Default (0): none.
	Port int
	// Host header, without a port, compared without case. Default: none.
	Host string
	// Prefix of the path, which the upstream does not see. Default: "/NAME"
	// where neither Port nor Host is set; "/" takes every path.
	Prefix string
}

const (
	defaultPort = 3000
	defaultHost = "127.0.0.1"
)

// times bound what a client can make the server wait for.
type times struct {
	shutdown time.Duration // for requests to finish
	header   time.Duration // for a request's header to come; what is dialed ahead has it before its first request
	idle     time.Duration // for the next request of a connection
}

var defaultTimes = times{shutdown: 5 * time.Second, header: 30 * time.Second, idle: 2 * time.Minute} // constant

func (o Options) withDefaults() Options {
	if o.Host == "" {
		o.Host = defaultHost
	}
	switch o.Port {
	case 0:
		o.Port = defaultPort
	case AnyPort:
		o.Port = 0
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Version == "" {
		o.Version = "(devel)"
	}
	return o
}

// loopback reports whether only this machine can reach a host.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
