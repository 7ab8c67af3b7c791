package injector

import "time"

// hit is a set of the faults that a request drew in one layer.
type hit uint32

const (
	hitHTTPError hit = 1 << iota
	hitConnectionError
	hitTimeout
	hitPartial
	hitCorruption
	hitDribble
	hitRewrite
	hitLatency
	hitGRPCStatus
	hitInterruption

	hitTerminal = hitHTTPError | hitConnectionError | hitTimeout
	hitResponse = hitPartial | hitCorruption | hitDribble | hitRewrite
)

// A faultRule decides which requests of a layer fail, and how.
type faultRule struct {
	count   counter    // of the requests in the schedule
	times   *timetable // nil: always
	matcher *matcher   // nil: every request

	http       *sampler // nil: off, or a pattern decides
	pattern    *pattern // burst or sequential; nil: http decides
	codes      []int
	choice     uint64 // key of the choice among codes
	httpCounts *sampler

	connection     *sampler
	connectionKind ConnectionErrorKind
	timeout        *sampler
	hold           time.Duration
	partial        *sampler
	cut            uint64 // key of the place where a response is cut
	corruption     *sampler
	corruptionType CorruptionType
	noise          uint64 // key of what is corrupted
	garbage        uint64 // key of what is sent in place of a response
	dribble        *sampler
	pieces         Dribble
	rewrite        *sampler
	change         *rewrite

	retry     time.Duration // of injected HTTP errors
	most      int           // requests with a fault in progress; -1: no limit
	overrides bool          // requests may ask for faults
	whim      uint64        // key of what requests ask for with a percentage
}

func newFaultRule(f *FaultInjection, times *timetable, key func(kind string) uint64) *faultRule {
	r := &faultRule{
		matcher: newMatcher(f.RequestMatcher), times: times,
		codes: f.statuses(), choice: key("status"), cut: key("cut"), noise: key("noise"),
		connectionKind: f.ConnectionErrorKind, hold: max(or(f.Timeout, 5*time.Second), 0),
		corruptionType: f.CorruptionType, garbage: key("garbage"),
		retry: min(max(or(f.RetryAfter, 0), 0), maxDelay), most: max(or(f.MaxActiveFaults, -1), -1),
		overrides: f.OverrideHeaders, whim: key("override"),
	}
	if r.connectionKind.abort() == 0 {
		r.connectionKind = HTTP503
	}
	if r.corruptionType != Truncate && r.corruptionType != BitFlip {
		r.corruptionType = RandomBytes
	}
	for _, e := range f.effects() {
		if e.Pattern == PatternOverride {
			continue
		}
		s := newSampler(key(e.Kind), e.Probability, e.Sampling)
		switch e.Kind {
		case KindHTTPError:
			if r.pattern = newPattern(f.ErrorPattern); r.pattern == nil {
				r.http = s
			} else if r.pattern.codes != nil {
				r.codes = r.pattern.codes
			}
			r.httpCounts = s
		case KindConnectionError:
			r.connection = s
		case KindTimeout:
			r.timeout = s
		case KindPartialResponse:
			r.partial = s
		case KindPayloadCorruption:
			r.corruption = s
		case KindChunkedDribble:
			r.dribble, r.pieces = s, *f.Dribble
		case KindResponseRewrite:
			r.rewrite, r.change = s, newRewrite(f.Rewrite)
		}
	}
	return r
}

// next takes the next request's ordinal. It reports false for one that is not
// in the schedule.
func (r *faultRule) next(now time.Time) (ordinal uint64, share float64, in bool) {
	if share, in = r.times.admit(now); in {
		ordinal = r.count.next()
	}
	return ordinal, share, in
}

// draw decides for the request with that ordinal. Every kind draws, whatever
// the others do: which of them hides which is decided later. share is that of a
// ramp, else 1. now is needed only by a burst.
func (r *faultRule) draw(ordinal uint64, share float64, now time.Time) hit {
	var h hit
	if r.http != nil && r.http.thin(ordinal, share) || r.pattern != nil && r.pattern.hit(now) && r.httpCounts.thin(ordinal, share) {
		h |= hitHTTPError
	}
	if r.connection != nil && r.connection.thin(ordinal, share) {
		h |= hitConnectionError
	}
	if r.timeout != nil && r.timeout.thin(ordinal, share) {
		h |= hitTimeout
	}
	if r.partial != nil && r.partial.thin(ordinal, share) {
		h |= hitPartial
	}
	if r.corruption != nil && r.corruption.thin(ordinal, share) {
		h |= hitCorruption
	}
	if r.dribble != nil && r.dribble.thin(ordinal, share) {
		h |= hitDribble
	}
	if r.rewrite != nil && r.rewrite.thin(ordinal, share) {
		h |= hitRewrite
	}
	return h
}

// of is the kind of one fault, and the rule that drew it.
func (r *faultRule) of(h hit) (kind string, rule *sampler) {
	switch h {
	case hitHTTPError:
		return KindHTTPError, r.httpCounts
	case hitConnectionError:
		return KindConnectionError, r.connection
	case hitTimeout:
		return KindTimeout, r.timeout
	case hitPartial:
		return KindPartialResponse, r.partial
	case hitCorruption:
		return KindPayloadCorruption, r.corruption
	case hitDribble:
		return KindChunkedDribble, r.dribble
	}
	return KindResponseRewrite, r.rewrite
}

// code is which of codes the request with that ordinal is answered.
func (r *faultRule) code(ordinal uint64) int {
	if r.pattern != nil && r.pattern.codes != nil {
		return int(ordinal % uint64(len(r.codes)))
	}
	return below(Mix(r.choice, ordinal), len(r.codes))
}
