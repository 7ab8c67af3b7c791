package injector

import "time"

// GraphQL makes operations of GraphQL fail as its clients see it: with errors
// in a response of status 200. It acts on POST requests with a JSON or
// application/graphql body and on GET requests with a query, on each operation
// of a batch by itself, and on subscriptions over WebSocket; what the other
// sections of its Config answer is translated. What cannot be parsed, or is longer than 1 MiB, is not touched.
type GraphQL struct {
	Enabled *bool

	ErrorCodes  []string // error_codes: extensions.code, chosen uniformly. Default (nil): INTERNAL_SERVER_ERROR; empty: none
	Probability *float64 // of answering an operation with one of them, 0–1. Default: 0.1 where ErrorCodes is set
	Message     string   // of the error. Default: says which step injected it

	PartialDataProbability *float64 // of nulls in the data, with errors that have their path, 0–1. Default: 0.1 where PartialDataPaths is set
	PartialDataPaths       []string // partial_data_paths: user.orders, items.*.price; of those in a response, one is chosen. Default: a nullable-looking place, chosen for each response

	ResolverLatency *bool          // resolver_latency: delay the operation by ResolverDelay for each field at its top
	ResolverDelay   *time.Duration // resolver_delay_ms. Default: 10 % of the latency section's delay, or 50 ms without one

	Operations     []string // names of operations, any of them; a trailing * matches the rest. Default: all
	OperationTypes []string // operation_types: query, mutation, subscription, any of them. Default: all
	Paths          []string // of the endpoint, as in RequestMatcher. Default: any on which GraphQL is spoken
	Sampling       Sampling // Default: Exact
}
