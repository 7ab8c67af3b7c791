package injector

import (
	"context"
	"slices"
	"time"
)

// An Observer is told what the injector did. Its methods are called in
// sequence order where there is a Sequencer and concurrently where there is
// none; they must return quickly and must not keep the pointers.
type Observer interface {
	// Request is called when a request (or, for a wrapped listener, a
	// connection) has been decided by every layer that it entered. It is called
	// once a request, even when nothing was injected.
	Request(*Request)
	// Done is called when the request has been answered, aborted, or left by
	// its client.
	Done(*Outcome)
	// Transition is called when a breaker changes state or a bulkhead starts
	// or stops refusing.
	Transition(*Transition)
}

// A Request is an arrival as the injector saw it, with what was decided.
type Request struct {
	N         int64     // admission number over the whole run, from 1
	At        time.Time // when it arrived
	Decided   time.Time // when its last decision was made: later than At if it waited for it
	Target    string
	Method    string
	Host      string
	Path      string          // path only; the query is left out on purpose
	Endpoint  string          // method and route pattern, ids replaced
	RequestID string          // the caller's X-Request-Id
	Protocol  string          // a Protocol… constant; "": plain HTTP
	Operation string          // of GraphQL: its type and name, such as "query Cart", or "persisted Cart" where the type is unknown; of a batch, all of them, "; " between them
	TopFields []int           // of GraphQL: how many fields each operation has at its top
	Layers    []LayerRef      // the layers it entered, in order
	Decisions []Decision      // what fired or was masked, in order
	Delay     time.Duration   // the sum of all computed delays
	Jitter    time.Duration   // what jitter added to it or, negative, took away
	Context   context.Context // the request's own; for connections an empty one
	Missed    []LayerRef      // those of Layers whose request matcher does not match it

	// For a Journal only.

	Client string // the client's address
	Conn   string // the connection, for connection limits
	Length int64  // of the body, as announced, or of a message of WebSocket; -1: unknown
	Asked  *Asked // by its override headers, where a layer of the target heeds them; nil: nothing
}

// Asked is what a request's override headers ask for, see OverrideHeaderDelay.
type Asked struct {
	Delay            time.Duration // 0: none
	DelayPercentage  float64       // 0–100: how likely the delay is; of no delay 0
	Status           int           // 0: none
	StatusPercentage float64       // 0–100: how likely the error is; of no status 0
	GRPCStatus       *int          // of a call, instead of Status; nil: none
}

// A LayerRef names a layer: the step that it belongs to and its iteration.
type LayerRef struct {
	Name      string
	Iteration int
}

// A Decision is one fault that fired, or would have fired, for one request.
type Decision struct {
	Layer   LayerRef
	Kind    string        // a Kind… constant
	Ordinal uint64        // of the request within its rule, from 0
	Status  int           // the status answered, or, where the answer was translated, what it stands for; 0: none
	Delay   time.Duration // the delay injected; 0: none
	Retry   time.Duration // after which a limit or a breaker said to come again; 0: nothing
	InBatch int           // in a batch of GraphQL: which operation, from 1; 0: the request
	Masked  bool          // hidden by an earlier fault
}

// Pending reports whether only the request's end tells if the decision came to
// be, see Outcome.Came and Outcome.Spared.
func (d Decision) Pending() bool { return d.Kind == KindStreamInterruption && !d.Masked }

// Fault kinds: the values of X-Mockforge-Fault, of Decision.Kind and of
// injected.KIND in expectations.
const (
	KindLatency            = "latency"
	KindHTTPError          = "http_error"
	KindConnectionError    = "connection_error"
	KindTimeout            = "timeout"
	KindPartialResponse    = "partial_response"
	KindPayloadCorruption  = "payload_corruption"
	KindRateLimit          = "rate_limit"
	KindConnectionLimit    = "connection_limit"
	KindPacketLoss         = "packet_loss"
	KindBandwidth          = "bandwidth"
	KindCircuitBreakerOpen = "circuit_breaker"
	KindBulkhead           = "bulkhead"

	// Of fault_injection, on the response.
	KindChunkedDribble  = "chunked_dribble_delay"
	KindResponseRewrite = "response_rewrite"

	// Of single protocols.
	KindGRPCStatus         = "grpc_status"
	KindStreamInterruption = "stream_interruption"
	KindWebSocketClose     = "websocket_close"
	KindMessageDrop        = "message_drop"
	KindMessageCorruption  = "message_corruption"
	KindMessageTruncation  = "message_truncation"
	KindMessageDelay       = "message_delay"
	KindGraphQLError       = "graphql_error"
	KindPartialData        = "partial_data"
	KindResolverLatency    = "resolver_latency"

	// Of TCP: tcp_ and the type of the Toxic.
	KindTCPLatency   = "tcp_latency"
	KindTCPBandwidth = "tcp_bandwidth"
	KindTCPLoss      = "tcp_loss"
	KindTCPSlowClose = "tcp_slow_close"
	KindTCPTimeout   = "tcp_timeout"
	KindTCPReset     = "tcp_reset_peer"
	KindTCPClose     = "tcp_close"
	KindTCPSlicer    = "tcp_slicer"
	KindTCPLimitData = "tcp_limit_data"
	KindTCPRefuse    = "tcp_refuse"
	KindTCPDown      = "tcp_down"
)

// Kinds lists every fault kind, in the order in which a layer applies them.
func Kinds() []string {
	return []string{KindCircuitBreakerOpen, KindBulkhead, KindRateLimit, KindConnectionLimit, KindPacketLoss, KindLatency,
		KindHTTPError, KindConnectionError, KindTimeout, KindGRPCStatus, KindGraphQLError, KindResolverLatency,
		KindPartialResponse, KindPayloadCorruption, KindChunkedDribble, KindResponseRewrite, KindStreamInterruption, KindPartialData,
		KindWebSocketClose, KindMessageDrop, KindMessageCorruption, KindMessageTruncation, KindMessageDelay, KindBandwidth,
		KindTCPRefuse, KindTCPDown, KindTCPLatency, KindTCPBandwidth, KindTCPLoss, KindTCPSlowClose, KindTCPTimeout, KindTCPReset,
		KindTCPClose, KindTCPSlicer, KindTCPLimitData}
}

// An Outcome is how a request ended, seen from the server.
type Outcome struct {
	N        int64 // the Request's
	At       time.Time
	Target   string
	Endpoint string // the Request's
	Layers   []LayerRef
	Status   int    // what the client was sent; 0: nothing, or an aborted connection
	Fault    string // the Kind that made the outcome; "": the upstream's own
	Failed   bool   // a 5xx or what stands for one in the request's protocol, or a connection or time-out fault
	Canceled bool   // the client left first

	// How long bandwidth limits held back bytes of the request, and of the
	// response.
	HeldUp, HeldDown time.Duration

	Decisions []Decision // the Request's
	Spared    []Decision // those of them that did not come to be, because the call ended before

	Context context.Context // the Request's
}

// Came lists the Decisions that were pending and came to be.
func (o *Outcome) Came() (came []Decision) {
	for _, d := range o.Decisions {
		if d.Pending() && !slices.Contains(o.Spared, d) {
			came = append(came, d)
		}
	}
	return came
}

// A Transition is a change of state of a breaker or a bulkhead that belongs to
// a layer and a target.
type Transition struct {
	At        time.Time
	Layer     LayerRef
	Target    string
	Component string // circuit_breaker or bulkhead
	From, To  string // closed, open, half_open; accepting, refusing
	Reason    string // "5 consecutive failures"
}

// A Draw counts what one rule decided, for comparing with what was planned.
type Draw struct {
	Kind        string
	Probability float64
	Sampling    Sampling
	Requests    uint64 // how many requests (or connections, or messages) drew
	Injected    uint64
	Masked      uint64
	Rules       int // how many rules of their own were added up, such as one for each direction; 0: one
}
