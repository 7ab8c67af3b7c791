package injector

import "time"

// firstRetransmission is TCP's usual shortest retransmission time-out. It
// doubles with every further loss of the same packet.
const firstRetransmission = 200 * time.Millisecond

// A lossRule decides which requests of a layer lose a packet on their way up or
// down. An application sees a loss as a stall of the stream, never as missing
// bytes.
type lossRule struct {
	ups, downs counter // packets by direction
	up, down   *sampler
	again      uint64 // key of the losses of retransmissions
	partition  bool   // everything is lost
	limit      time.Duration
}

// newLossRule returns nil where nothing is lost.
func newLossRule(s *TrafficShaping, key func(kind string) uint64) *lossRule {
	if s == nil || !(s.PacketLossPercent > 0) {
		return nil
	}
	p := s.PacketLossPercent / 100
	return &lossRule{
		up: newSampler(key(KindPacketLoss+" up"), p, s.Sampling), down: newSampler(key(KindPacketLoss+" down"), p, s.Sampling),
		again: key("retransmission"), partition: p >= 1, limit: max(or(s.ConnectionTimeout, 30*time.Second), 0),
	}
}

// stall is how long a lost packet holds up its stream, and whether the stream
// is reset at the end because the connection timed out.
func (r *lossRule) stall(direction *sampler, ordinal uint64) (d time.Duration, reset bool) {
	key := Mix(r.again^direction.key, ordinal)
	wait := firstRetransmission
	for i := uint64(0); ; i++ {
		d += wait
		if d > r.limit {
			return r.limit, true
		}
		if fraction(Mix(key, i)) >= direction.probability {
			return d, false
		}
		wait *= 2
	}
}
