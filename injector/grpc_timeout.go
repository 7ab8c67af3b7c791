package injector

import (
	"strconv"
	"time"
)

// grpcTimeout reads the value of Grpc-Timeout: up to eight digits and a unit. It
// reports false for what is none.
func grpcTimeout(text string) (time.Duration, bool) {
	units := map[byte]time.Duration{
		'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
	}
	if len(text) < 2 || len(text) > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 64)
	unit, ok := units[text[len(text)-1]]
	if err != nil || !ok {
		return 0, false
	}
	return time.Duration(min(n, uint64(maxDelay/unit))) * unit, true
}

// patience is how much later than its client a wait gives up a call whose
// deadline has passed: the client is the one to do so, and says so to its
// caller itself.
const patience = time.Millisecond

// expect notes when the client of a call gives up, counted from now.
func (p *passage) expect() {
	if p.request == nil || p.speaks() != ProtocolGRPC {
		return
	}
	if d, ok := grpcTimeout(p.request.Header.Get(headerGRPCTimeout)); ok {
		p.until = time.Now().Add(d + patience)
	}
}

// late is a channel for the end of a call's deadline; nil: there is none. stop
// must be called.
func (p *passage) late() (late <-chan time.Time, stop func()) {
	if _, lost := p.wait.(*partitioned); lost || p.until.IsZero() {
		return nil, func() {} // what is lost is not answered
	}
	until := p.until
	if p.slot != nil {
		until = p.slot.After(until)
	}
	t := time.NewTimer(time.Until(until))
	return t.C, func() { t.Stop() }
}
