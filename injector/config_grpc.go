package injector

import "time"

// GRPC makes calls of gRPC fail as its own clients see it. It acts on requests
// whose Content-Type is application/grpc, with or without a suffix; the other
// sections act on them too, and what they answer is translated.
type GRPC struct {
	Enabled *bool

	StatusCodes []string       // status_codes: names (UNAVAILABLE) or numbers ("14"), chosen uniformly. Default (nil): UNAVAILABLE; empty: none
	Probability *float64       // of answering a call with one of them, 0–1. Default: 0.1 where StatusCodes is set
	Message     string         // of the status. Default: says which step injected it
	Delay       *time.Duration // delay_ms: before such an answer. Default: 0

	StreamInterruptionProbability *float64 // of breaking off a call in the middle, 0–1. Default: none
	InterruptAfterMessages        [2]int   // interrupt_after_messages: min and max, both included, in both directions together. Default (zero): 1 to 3
	InterruptionStatus            string   // interruption_status: a status, or reset for RST_STREAM. Default: UNAVAILABLE

	Methods  []string // any of them: /pkg.Service/Method, /pkg.Service/*. Default: all
	Exclude  []string // patterns like Methods; health and reflection stand for these services
	Sampling Sampling // Default: Exact
}
