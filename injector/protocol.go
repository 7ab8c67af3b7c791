package injector

import (
	"net/http"
	"strings"
)

// The protocols that requests speak besides plain HTTP: values of
// Request.Protocol.
const (
	ProtocolGRPC      = "grpc"
	ProtocolWebSocket = "websocket" // the handshake, or a message
	ProtocolGraphQL   = "graphql"
	ProtocolTCP       = "tcp" // a connection of a target that is not HTTP
)

// ProtocolOf tells the protocols apart that a request's header shows: one of the
// Protocol… constants; "" is plain HTTP, and gRPC-Web is.
func ProtocolOf(r *http.Request) string {
	switch kind := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/grpc"):
		if rest := kind[len("application/grpc"):]; rest == "" || rest[0] == '+' || rest[0] == ';' {
			return ProtocolGRPC
		}
	case r.Header.Get("Upgrade") != "" && strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return ProtocolWebSocket
	case r.Method == http.MethodConnect && r.Header.Get(":protocol") == "websocket": // RFC 8441
		return ProtocolWebSocket
	}
	return ""
}

// speaks is the protocol of the passage's request, found on first use.
func (p *passage) speaks() string {
	if !p.listened && p.request != nil {
		p.listened, p.protocol = true, ProtocolOf(p.request)
	}
	return p.protocol
}
