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
	hitLatency
	hitGRPCStatus
	hitInterruption

	hitTerminal = hitHTTPError | hitConnectionError | hitTimeout
)

// A faultRule decides which requests of a layer fail, and how.
type faultRule struct {
	count   counter
	matcher *matcher // nil: every request

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
}

func newFaultRule(f *FaultInjection, key func(kind string) uint64) *faultRule {
	r := &faultRule{
		matcher: newMatcher(f.RequestMatcher),
		codes:   f.statuses(), choice: key("status"), cut: key("cut"), noise: key("noise"),
		connectionKind: f.ConnectionErrorKind, hold: max(or(f.Timeout, 5*time.Second), 0),
		corruptionType: f.CorruptionType,
	}
	if r.connectionKind != TCPReset && r.connectionKind != TCPClose {
		r.connectionKind = HTTP503
	}
	if r.corruptionType != Truncate && r.corruptionType != BitFlip {
		r.corruptionType = RandomBytes
	}
	for _, e := range f.effects() {
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
		}
	}
	return r
}

// draw decides for the request with that ordinal. Every kind draws, whatever
// the others do: which of them hides which is decided later. now is needed only
// by a burst.
func (r *faultRule) draw(ordinal uint64, now time.Time) hit {
	var h hit
	if r.http != nil && r.http.hit(ordinal) || r.pattern != nil && r.pattern.hit(now) {
		h |= hitHTTPError
	}
	if r.connection != nil && r.connection.hit(ordinal) {
		h |= hitConnectionError
	}
	if r.timeout != nil && r.timeout.hit(ordinal) {
		h |= hitTimeout
	}
	if r.partial != nil && r.partial.hit(ordinal) {
		h |= hitPartial
	}
	if r.corruption != nil && r.corruption.hit(ordinal) {
		h |= hitCorruption
	}
	return h
}

// code is which of codes the request with that ordinal is answered.
func (r *faultRule) code(ordinal uint64) int {
	if r.pattern != nil && r.pattern.codes != nil {
		return int(ordinal % uint64(len(r.codes)))
	}
	return below(Mix(r.choice, ordinal), len(r.codes))
}
