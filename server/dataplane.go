package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

// A dataPlane takes requests to the target that they are meant for, through
// the layers in front of it.
type dataPlane struct {
	targets    []*dataTarget // longer prefixes first
	transports *transports
}

type dataTarget struct {
	Target
	handler  http.Handler // the layers and what is behind them; nil: of kind tcp
	listener net.Listener // of its own port; nil: none
}

func newDataPlane(targets []Target, in *injector.Injector, t *transports, o Options) (*dataPlane, error) {
	p := &dataPlane{transports: t}
	for _, target := range targets {
		upstream, err := upstreamURL(target.Upstream)
		if err != nil {
			return nil, err
		}
		d := &dataTarget{Target: target}
		if !target.tcp() {
			d.handler = in.Target(target.Name).Handler(newForwarder(target.Name, upstream, t, o))
		}
		p.targets = append(p.targets, d)
	}
	slices.SortStableFunc(p.targets, func(a, b *dataTarget) int { return len(b.Prefix) - len(a.Prefix) })
	return p, nil
}

// ServeHTTP takes a request to its target: by its Host, else by the longest
// prefix of its path.
func (p *dataPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := ""
	for _, t := range p.targets {
		if t.Host == "" {
			continue
		}
		if host == "" {
			host = hostname(r.Host)
		}
		if t.Host == host && (t.Prefix == "" || under(r.URL.Path, t.Prefix)) {
			t.serve(w, r)
			return
		}
	}
	for _, t := range p.targets {
		if t.Host == "" && t.Prefix != "" && under(r.URL.Path, t.Prefix) {
			t.serve(w, r)
			return
		}
	}
	writeError(w, http.StatusNotFound, "no target takes "+r.Method+" "+r.Host+r.URL.Path+": "+p.ways())
}

// serve hands a request over, without the prefix that it was found by.
func (t *dataTarget) serve(w http.ResponseWriter, r *http.Request) {
	if t.Prefix == "" || t.Prefix == "/" {
		t.handler.ServeHTTP(w, r)
		return
	}
	stripped := *r
	stripped.URL = new(url.URL)
	*stripped.URL = *r.URL
	stripped.URL.Path = rooted(r.URL.Path[len(t.Prefix):])
	if r.URL.RawPath != "" {
		stripped.URL.RawPath = rooted(withoutEscaped(r.URL.RawPath, len(t.Prefix)))
	}
	t.handler.ServeHTTP(w, &stripped)
}

// withoutEscaped cuts off what stands for the first n bytes of the path.
func withoutEscaped(raw string, n int) string {
	for ; n > 0 && raw != ""; n-- {
		if raw[0] == '%' {
			raw = raw[min(3, len(raw)):]
		} else {
			raw = raw[1:]
		}
	}
	return raw
}

func rooted(path string) string {
	if path == "" || path[0] != '/' {
		return "/" + path
	}
	return path
}

// under reports whether a path is a prefix, or below it.
func under(path, prefix string) bool {
	if prefix == "/" {
		return true
	}
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		hostport = host
	}
	return strings.ToLower(hostport)
}

// find is the target of that name, or nil.
func (p *dataPlane) find(name string) *dataTarget {
	for _, t := range p.targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// names lists the targets, sorted.
func (p *dataPlane) names() []string {
	var names []string
	for _, t := range p.targets {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// ways says how each target is found.
func (p *dataPlane) ways() string {
	var ways []string
	for _, t := range p.targets {
		switch {
		case t.Host != "":
			ways = append(ways, t.Name+" is at Host "+t.Host+t.Prefix)
		case t.Prefix != "":
			ways = append(ways, t.Name+" is at "+t.Prefix)
		default:
			ways = append(ways, t.Name+" has a port of its own")
		}
	}
	slices.Sort(ways)
	return strings.Join(ways, ", ")
}

// url is the base URL at which a client reaches a target, without a slash at
// the end. A target that is found by its Host is named in it; the client must
// then connect to the server's address.
func (t *dataTarget) url(scheme string, server net.Addr) string {
	if t.tcp() {
		return tcpScheme + t.listener.Addr().String()
	}
	if t.listener != nil {
		return scheme + "://" + t.listener.Addr().String()
	}
	addr := server.String()
	if t.Host != "" {
		_, port, _ := net.SplitHostPort(addr) // it is the address of a listener
		addr = net.JoinHostPort(t.Host, port)
	}
	return scheme + "://" + addr + strings.TrimSuffix(t.Prefix, "/")
}

func portText(port int) string {
	if port == AnyPort {
		port = 0
	}
	return strconv.Itoa(port)
}
