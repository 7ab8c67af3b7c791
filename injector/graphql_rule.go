package injector

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// defaultResolver is the delay of a resolver without a latency section.
const defaultResolver = 50 * time.Millisecond

// resolverShare is a resolver's share of the latency section's delay.
const resolverShare = 0.1

// A graphqlRule decides which operations of a layer fail, and how.
type graphqlRule struct {
	count counter
	step  string

	operations, types, paths []string // nil: any

	errors  *sampler // nil: off
	codes   []string
	choice  uint64 // key of the choice among codes
	message string

	partial *sampler // nil: off
	// Over WebSocket each result draws by itself, and the operation only for
	// errors.
	sent           atomic.Uint64 // operations
	results        counter
	partialResults *sampler
	patterns       [][]string
	places         uint64 // key of the places that become null

	resolver *sampler       // nil: off
	delay    *time.Duration // of a resolver; nil: by the latency section
}

func newGraphQLRule(g *GraphQL, step string, key func(kind string) uint64) *graphqlRule {
	r := &graphqlRule{
		step: step, operations: slices.Clone(g.Operations), types: slices.Clone(g.OperationTypes), paths: slices.Clone(g.Paths),
		codes: slices.Clone(g.codes()), choice: key("code"), message: g.Message, places: key("place"), delay: g.ResolverDelay,
	}
	if r.message == "" {
		r.message = "injected GraphQL error of step " + step
	}
	for _, p := range g.PartialDataPaths {
		r.patterns = append(r.patterns, strings.Split(p, "."))
	}
	for _, e := range g.effects() {
		s := newSampler(key(e.Kind), e.Probability, e.Sampling)
		switch e.Kind {
		case KindGraphQLError:
			r.errors = s
		case KindPartialData:
			r.partial = s
			r.partialResults = newSampler(key(e.Kind+" of results"), e.Probability, e.Sampling)
		case KindResolverLatency:
			r.resolver = s
		}
	}
	return r
}

// matches reports whether the rule is about an operation at a path. The type of
// a persisted operation may be unknown: then it matches where any type does.
func (r *graphqlRule) matches(o operation, path string) bool {
	return (len(r.types) == 0 || slices.Contains(r.types, o.kind)) &&
		(len(r.operations) == 0 || anyOf(r.operations, func(s string) bool { return matchName(s, o.name) })) &&
		(len(r.paths) == 0 || anyOf(r.paths, func(s string) bool { return matchPath(s, path) }))
}

// matchName matches a name; a trailing * stands for the rest of it.
func matchName(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// A graphqlError is an error in a response.
type graphqlError struct {
	message string
	code    string
	status  int  // of HTTP, that it stands for; 0: none
	failed  bool // a breaker counts it
}

// fail is the error of the operation with that ordinal.
func (r *graphqlRule) fail(ordinal uint64) *graphqlError {
	return &graphqlError{message: r.message, code: r.code(ordinal), failed: true}
}

func (r *graphqlRule) code(ordinal uint64) string {
	if len(r.codes) == 0 {
		return codeInternal
	}
	return r.codes[below(Mix(r.choice, ordinal), len(r.codes))]
}

// takes is how long the resolvers of an operation take. latency is the section
// for it, if there is one, and draw the ordinal in it.
func (r *graphqlRule) takes(o operation, latency *latencyRule, draw uint64) time.Duration {
	one := defaultResolver
	switch {
	case r.delay != nil:
		one = *r.delay
	case latency != nil:
		total, _ := latency.delay(draw)
		one = rounded(float64(total) * resolverShare)
	}
	return rounded(float64(one) * float64(max(o.fields, 1)))
}

// The codes that statuses of HTTP become.
const codeInternal = "INTERNAL_SERVER_ERROR"

func graphqlCode(status int) string {
	switch status {
	case 400:
		return "BAD_USER_INPUT"
	case 401:
		return "UNAUTHENTICATED"
	case 403:
		return "FORBIDDEN"
	case 404:
		return "NOT_FOUND"
	case 429:
		return "RATE_LIMITED"
	case 503:
		return "SERVICE_UNAVAILABLE"
	case 504:
		return "GATEWAY_TIMEOUT"
	}
	return codeInternal
}
