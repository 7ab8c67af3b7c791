package injector

import "time"

// Room of stations, in bytes. Bytes that are under way on a slow link do not stop
// their sender; those that wait in front of it do.
const (
	roomUnderWay = 32 << 20
	roomWaiting  = 64 << 10
)

// steady is the part of an action that most have: bytes go on together when
// they have come, nothing is cut, and little may wait.
type steady struct{}

func (steady) next(b []byte, at, last time.Time) (int, time.Time) { return len(b), later(at, last) }
func (steady) fin(at, last time.Time) time.Time                   { return later(at, last) }
func (steady) cut(bool) time.Time                                 { return never }
func (steady) room() int                                          { return roomWaiting }

// delayed adds latency. Chunks are under way at the same time.
type delayed struct {
	steady
	latency, jitter time.Duration
	key             uint64
	chunks          uint64
}

func (d *delayed) next(b []byte, at, last time.Time) (int, time.Time) {
	due := at.Add(jittered(d.latency, d.jitter, Mix(d.key, d.chunks)))
	d.chunks++
	return len(b), later(due, last)
}

func (d *delayed) room() int { return roomUnderWay }

// jittered is uniform in ± jitter of the latency, and not below zero.
func jittered(latency, jitter time.Duration, x uint64) time.Duration {
	if jitter == 0 {
		return latency
	}
	return max(latency-jitter+time.Duration(below(x, int64(2*jitter)+1)), 0)
}

// narrow limits bandwidth.
type narrow struct {
	steady
	pipe *pipe
}

func (n narrow) next(b []byte, at, last time.Time) (int, time.Time) {
	b = b[:min(int64(len(b)), max(n.pipe.rate/100, 1), maxChunk)]     // a hundred times a second, or more often
	return len(b), later(n.pipe.reserve(later(at, last), len(b)), at) // it may make up for late timers
}

// room is enough for a fast link never to run dry.
func (n narrow) room() int { return int(min(max(n.pipe.rate/50, roomWaiting), 4<<20)) }

// sliced cuts chunks into pieces.
type sliced struct {
	steady
	average, variation int64
	delay              time.Duration
	key                uint64
	pieces             uint64
}

func (s *sliced) next(b []byte, at, last time.Time) (int, time.Time) {
	size := s.average - s.variation + below(Mix(s.key, s.pieces), 2*s.variation+1)
	s.pieces++
	if !last.IsZero() {
		last = last.Add(s.delay)
	}
	return int(min(max(size, 1), int64(len(b)))), later(at, last)
}

// lingering delays the end of a stream.
type lingering struct {
	steady
	delay time.Duration
}

func (l lingering) fin(at, last time.Time) time.Time { return later(at, last).Add(l.delay) }

// silent lets nothing through.
type silent struct{ steady }

func (silent) next(b []byte, _, _ time.Time) (int, time.Time) { return len(b), never }
func (silent) fin(_, _ time.Time) time.Time                   { return never }

// lossy holds up chunks that got lost.
type lossy struct {
	steady
	lost      func() time.Duration // draws for a chunk
	partition bool
}

func (l lossy) next(b []byte, at, last time.Time) (int, time.Time) {
	if l.partition {
		return len(b), never
	}
	return len(b), later(at, last).Add(l.lost())
}

func (l lossy) fin(at, last time.Time) time.Time {
	if l.partition {
		return never
	}
	return later(at, last)
}

// closing closes the connection at an instant.
type closing struct {
	steady
	when time.Time
}

func (c closing) cut(bool) time.Time { return c.when }

// limited closes the connection after a number of bytes.
type limited struct {
	steady
	left int64
	done time.Time // when the last of them goes on; zero: not yet
}

func (l *limited) next(b []byte, at, last time.Time) (int, time.Time) {
	n, due := min(int64(len(b)), l.left), later(at, last)
	if l.left -= n; l.left == 0 {
		l.done = due
	}
	return int(n), due
}

// cut is once the limit is reached. A limit of nothing is reached by the first
// byte.
func (l *limited) cut(waiting bool) time.Time {
	if l.left > 0 || l.done.IsZero() && !waiting {
		return never
	}
	return l.done
}
