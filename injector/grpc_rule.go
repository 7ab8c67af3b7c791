package injector

import (
	"net/http"
	"slices"
	"time"
)

// A grpcRule decides which calls of a layer fail as calls of gRPC, and how.
type grpcRule struct {
	count            counter
	methods, exclude []string

	status  *sampler // of answering a call; nil: off
	codes   []int
	choice  uint64 // key of the choice among codes
	answers []*answer
	message string // of the status; "": says which step injected it
	delay   time.Duration

	interruption *sampler // nil: off
	place        uint64   // key of the message after which a call is broken off
	after        [2]int
	broken       int  // the status of a call that was broken off
	reset        bool // it has none
}

// newGRPCRule returns nil where nothing can act.
func newGRPCRule(c *GRPC, step string, key func(kind string) uint64) *grpcRule {
	effects := c.effects()
	if len(effects) == 0 {
		return nil
	}
	r := &grpcRule{
		methods: slices.Clone(c.Methods), exclude: excluded(c.Exclude),
		codes: c.statuses(), message: c.Message, choice: key("status"), delay: min(max(or(c.Delay, 0), 0), maxDelay),
		place: key("place"), after: c.after(), reset: c.InterruptionStatus == grpcInterruptionReset, broken: grpcUnavailable,
	}
	if code, ok := grpcCode(c.InterruptionStatus); ok {
		r.broken = code
	}
	for _, code := range r.codes {
		r.answers = append(r.answers, newGRPCAnswer(code, c.Message, step))
	}
	for _, e := range effects {
		s := newSampler(key(e.Kind), e.Probability, e.Sampling)
		if e.Kind == KindGRPCStatus {
			r.status = s
		} else {
			r.interruption = s
		}
	}
	return r
}

// excluded replaces the names of services that every server has.
func excluded(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		switch p {
		case "health":
			out = append(out, "/grpc.health.v1.Health/*")
		case "reflection":
			out = append(out, "/grpc.reflection.v1.ServerReflection/*", "/grpc.reflection.v1alpha.ServerReflection/*")
		default:
			out = append(out, p)
		}
	}
	return out
}

// matches reports whether the rule is about a call of that method.
func (r *grpcRule) matches(method string) bool {
	is := func(pattern string) bool { return matchPath(pattern, method) }
	return (len(r.methods) == 0 || anyOf(r.methods, is)) && !anyOf(r.exclude, is)
}

// reaches reports whether the rule is about a request of that protocol.
func (r *grpcRule) reaches(request *http.Request, protocol string) bool {
	return protocol == ProtocolGRPC && r.matches(request.URL.Path)
}

// draw decides for the call with that ordinal.
func (r *grpcRule) draw(ordinal uint64) hit {
	var h hit
	if r.status != nil && r.status.hit(ordinal) {
		h |= hitGRPCStatus
	}
	if r.interruption != nil && r.interruption.hit(ordinal) {
		h |= hitInterruption
	}
	return h
}

// code is which of codes the call with that ordinal is answered.
func (r *grpcRule) code(ordinal uint64) int { return below(Mix(r.choice, ordinal), len(r.codes)) }

// messages is after how many messages the call with that ordinal is broken off.
func (r *grpcRule) messages(ordinal uint64) int {
	return r.after[0] + below(Mix(r.place, ordinal), r.after[1]-r.after[0]+1)
}

// fail draws for a call, after the layer's own faults.
func (r *grpcRule) fail(p *passage, s *stay) {
	if s.drawn.hits&hitGRPCStatus == 0 {
		return
	}
	i := r.code(s.drawn.call)
	d := Decision{Kind: KindGRPCStatus, Ordinal: s.drawn.call, Status: r.codes[i], Delay: r.delay}
	if p.end.kind != "" {
		p.hide(s, r.status, d)
		return
	}
	p.delay += r.delay
	p.stop(d.Kind, r.answers[i], 0)
	p.hit(s, r.status, d)
}

// The parts of the section that are on.

// effects lists what the section can do.
func (c *GRPC) effects() []Effect {
	var out []Effect
	add := func(kind string, p float64) {
		if p = clamp(p, 0, 1); p > 0 {
			out = append(out, Effect{Section: "grpc", Kind: kind, Probability: p, Sampling: c.Sampling.orDefault()})
		}
	}
	if (c.StatusCodes != nil || c.Probability != nil) && len(c.statuses()) > 0 {
		add(KindGRPCStatus, or(c.Probability, 0.1))
	}
	add(KindStreamInterruption, or(c.StreamInterruptionProbability, 0))
	return out
}

// statuses are the codes that calls are answered with.
func (c *GRPC) statuses() []int {
	if c.StatusCodes == nil {
		return []int{grpcUnavailable}
	}
	return grpcCodes(c.StatusCodes)
}

// after is between how many messages and how many a call is broken off.
func (c *GRPC) after() [2]int {
	a := c.InterruptAfterMessages
	if a == [2]int{} {
		return [2]int{1, 3}
	}
	lo, hi := min(max(a[0], 1), maxMessages), min(max(a[1], 1), maxMessages)
	return [2]int{min(lo, hi), max(lo, hi)}
}

// maxMessages bounds after how many messages a call is broken off.
const maxMessages = 1 << 30

func (c Config) grpc() *GRPC {
	if c.Disabled() || c.GRPC == nil || !flag(c.GRPC.Enabled, true) {
		return nil
	}
	return c.GRPC
}
