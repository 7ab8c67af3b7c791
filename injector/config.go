package injector

import "time"

// A Config says what goes wrong: one section for each kind of fault.
//
// A section that is present is on, and so is a Config that has a section.
// Enabled false, here or in a section, always wins. The zero Config injects
// nothing. A Config is plain data: it is copied when a layer is applied, and
// changing it afterwards has no effect.
type Config struct {
	Enabled        *bool // nil: on when any section is present
	Latency        *Latency
	FaultInjection *FaultInjection
	RateLimit      *RateLimit
	TrafficShaping *TrafficShaping
	CircuitBreaker *CircuitBreaker
	Bulkhead       *Bulkhead
	GRPC           *GRPC
	WebSocket      *WebSocket
	GraphQL        *GraphQL
	TCP            *TCP
}

// HasSection reports whether any section is present, enabled or not.
func (c Config) HasSection() bool {
	return c.Latency != nil || c.FaultInjection != nil || c.RateLimit != nil || c.TrafficShaping != nil ||
		c.CircuitBreaker != nil || c.Bulkhead != nil || c.GRPC != nil || c.WebSocket != nil || c.GraphQL != nil || c.TCP != nil
}

// Disabled reports whether the Config was switched off as a whole.
func (c Config) Disabled() bool { return c.Enabled != nil && !*c.Enabled }

// Sampling is how a probability becomes decisions.
type Sampling string

const (
	// Exact is stratified: in every block of 20 requests of a rule as many are
	// hit as the probability says, at places that a seeded permutation chooses,
	// so that 1,000 requests at 10 % give exactly 100 faults. It is the default.
	Exact Sampling = "exact"
	// Bernoulli draws for each request by itself.
	Bernoulli Sampling = "bernoulli"
)

// Latency delays requests before they reach the upstream.
//
// The base is FixedDelay if set, else uniform over RandomDelayRange, else
// drawn from Distribution. Jitter is uniform in ± JitterPercent of the base.
type Latency struct {
	Enabled          *bool
	FixedDelay       time.Duration    // fixed_delay_ms
	RandomDelayRange [2]time.Duration // random_delay_range_ms: min and max, both included; zero: not set
	JitterPercent    float64          // 0–100, ± of the base
	Probability      *float64         // 0–1. Default: 1
	Distribution     *Distribution
	Schedule         *Schedule // when in a step it acts. Default: always
	Sampling         Sampling  // Default: Exact
}

// A Distribution of delays. Which fields count depends on Type.
type Distribution struct {
	Type   string        // lognormal, normal, exponential or uniform
	Median time.Duration // median_ms: lognormal
	Sigma  float64       // lognormal: the standard deviation of the logarithm. Default: 0.5
	Mean   time.Duration // mean_ms: normal, exponential
	StdDev time.Duration // std_dev_ms: normal
	Min    time.Duration // min_ms: uniform; elsewhere a lower bound
	Max    time.Duration // max_ms: uniform; elsewhere an upper bound; zero: none
}

// FaultInjection makes requests fail. A fault that is mentioned by any of its
// own fields is on unless its flag is false; one that is not mentioned is off.
type FaultInjection struct {
	Enabled *bool

	HTTPErrors           []int    // status codes, 200–999, chosen uniformly. Default (nil): 500, 502, 503, 504; empty: none
	HTTPErrorProbability *float64 // 0–1. Default: 0.1

	ConnectionErrors           *bool
	ConnectionErrorProbability *float64            // 0–1. Default: 0.05
	ConnectionErrorKind        ConnectionErrorKind // Default: HTTP503

	TimeoutErrors      *bool
	Timeout            *time.Duration // timeout_ms: hold this long, then 504. Default: 5 s
	TimeoutProbability *float64       // 0–1. Default: 0.05

	PartialResponses           *bool
	PartialResponseProbability *float64 // 0–1. Default: 0.05

	PayloadCorruption            *bool
	PayloadCorruptionProbability *float64       // 0–1. Default: 0.05
	CorruptionType               CorruptionType // Default: RandomBytes when corruption is on

	ErrorPattern   *ErrorPattern // replaces the HTTP error probability
	MockAIEnabled  bool          // mockai_enabled: carried, has no effect
	RequestMatcher *RequestMatcher

	RetryAfter      *time.Duration // retry_after_seconds: of injected HTTP errors. Default: no Retry-After
	Dribble         *Dribble       // chunked_dribble_delay
	Rewrite         *Rewrite       // response_rewrite
	MaxActiveFaults *int           // max_active_faults: requests with a fault in progress at once, for each target; more faults are masked. Default: no limit
	OverrideHeaders bool           // override_headers: let requests ask for faults by headers, see OverrideHeader…
	Schedule        *Schedule      // when in a step the section acts. Default: always
	Sampling        Sampling       // Default: Exact
}

// ConnectionErrorKind is what a connection error looks like to the client.
type ConnectionErrorKind string

const (
	HTTP503  ConnectionErrorKind = "http503"   // a 503 response; http_503 is accepted in documents
	TCPReset ConnectionErrorKind = "tcp_reset" // ECONNRESET; also CONNECTION_RESET_BY_PEER
	TCPClose ConnectionErrorKind = "tcp_close" // EOF before any byte of the response; also EMPTY_RESPONSE
	// MalformedChunk is a status line and headers, then a chunk that is none;
	// also MALFORMED_RESPONSE_CHUNK.
	MalformedChunk ConnectionErrorKind = "malformed_response_chunk"
	// RandomData is bytes that are no HTTP, then a close; also
	// RANDOM_DATA_THEN_CLOSE.
	RandomData ConnectionErrorKind = "random_data_then_close"
)

// CorruptionType is how a response's body is corrupted.
type CorruptionType string

const (
	NoCorruption CorruptionType = "none"
	RandomBytes  CorruptionType = "random_bytes" // a tenth of the bytes are replaced
	Truncate     CorruptionType = "truncate"     // the body ends early, as a complete response
	BitFlip      CorruptionType = "bit_flip"     // one bit in a tenth of the bytes is flipped
)

// An ErrorPattern decides which requests get an HTTP error.
type ErrorPattern struct {
	Type        string        // burst, random or sequential
	Count       int           // burst: how many requests fail at the start of each interval
	Interval    time.Duration // interval_ms: burst
	Probability *float64      // random: 0–1. Default: 0.1
	Sequence    []int         // sequential: every request fails, with these status codes in turn
}

// A RequestMatcher limits fault_injection to some requests: every field that
// is set must match; the zero RequestMatcher matches all.
type RequestMatcher struct {
	SourceIPs   []string      // addresses or CIDR prefixes; any of them
	Headers     []HeaderMatch // all of them
	MinBodySize *int64        // min_body_size_bytes, included
	MaxBodySize *int64        // max_body_size_bytes, included
	ChunkedOnly *bool         // true: only chunked requests; false: only others
	Methods     []string      // any of them, without case
	Paths       []string      // any of them; * matches the rest of a segment or, at the end, of the path; {name} matches one segment
	Hosts       []string      // any of them, without case; a leading *. matches every subdomain
}

// A HeaderMatch matches a request that has the header and, where Value is
// set, exactly that value.
type HeaderMatch struct {
	Name  string // without case
	Value *string
}

// RateLimit is a token bucket. What exceeds it is answered 429 with Retry-After.
type RateLimit struct {
	Enabled           *bool
	RequestsPerSecond float64 // > 0. Default (0): 100
	BurstSize         int     // ≥ 1. Default (0): 10
	PerIP             bool    // a bucket for each client address
	PerEndpoint       bool    // a bucket for each method and route pattern
}

// TrafficShaping limits what the connection carries.
type TrafficShaping struct {
	Enabled           *bool
	BandwidthLimit    int64          // bandwidth_limit_bps: bytes a second, shared by all connections of a target, each direction by itself; 0: unlimited
	PacketLossPercent float64        // 0–100, seen as stalls; 100 is a partition
	MaxConnections    int            // 0: unlimited
	ConnectionTimeout *time.Duration // connection_timeout_ms: a stall longer than this ends in a reset. Default: 30 s
	Sampling          Sampling       // Default: Exact
}

// CircuitBreaker stands in front of the upstream, one for each target.
type CircuitBreaker struct {
	Enabled              *bool
	FailureThreshold     int           // consecutive failures that open it, ≥ 1. Default (0): 5
	SuccessThreshold     int           // consecutive successes that close it, ≥ 1. Default (0): 2
	Timeout              time.Duration // timeout_ms: from open to half-open, > 0. Default (0): 60 s
	HalfOpenMaxRequests  int           // probes at once while half-open, ≥ 1. Default (0): 3
	FailureRateThreshold *float64      // percent, 0–100, over RollingWindow. Default: 50
	MinRequestsForRate   int           // ≥ 1. Default (0): 10
	RollingWindow        time.Duration // rolling_window_ms, > 0. Default (0): 10 s
}

// Bulkhead limits how many requests of a target are in progress.
type Bulkhead struct {
	Enabled               *bool
	MaxConcurrentRequests int            // ≥ 1. Default (0): 100
	MaxQueueSize          *int           // 0: no queue. Default: 10
	QueueTimeout          *time.Duration // queue_timeout_ms. Default: 5 s
}
