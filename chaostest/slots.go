package chaostest

import (
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// grid is the period of the instants of one slot. It is the most by which a
// departure is moved.
const grid = 20 * time.Microsecond

// ownOffsets are left to the timetable and to the bodies of steps.
const ownOffsets = 128

// slotCount is how many slots share the grid: one at every even nanosecond but
// the first 128, which belong to the timetable.
const slotCount = int(grid/2) - ownOffsets

// slots hands out departure instants that no two requests share.
//
// A slot is a residue class: its instants are offset + k × 20 µs, counted from
// the epoch. Offsets of slots in use differ, so their instants never meet, and
// since the delays that people write are multiples of 20 µs, what a caller does
// after a delay of its own does not meet another caller either. Offsets follow
// a seeded permutation: offsets in order add up to ties (measured, see
// docs/decisions/0002-slots.md).
type slots struct {
	seed uint64

	mu     sync.Mutex
	taken  int // how many were ever taken
	order  [slotCount]uint16
	used   [slotCount]uint16 // how many requests hold the offset
	holds  int
	shared map[int64]struct{} // instants given out while offsets had to be shared; nil: never
}

func newSlots(seed uint64) *slots { return &slots{seed: seed} }

// take reserves the next offset of the permutation that is free.
func (s *slots) take() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.taken % slotCount
	if at == 0 {
		s.shuffle(uint64(s.taken / slotCount))
	}
	s.taken++
	i := int(s.order[at])
	if s.holds < slotCount {
		for s.used[i] > 0 {
			i = (i + 1) % slotCount
		}
	} else if s.shared == nil {
		s.shared = map[int64]struct{}{}
	}
	s.used[i]++
	s.holds++
	return &slot{slots: s, index: i}
}

// shuffle lays out the permutation of one cycle through the offsets.
func (s *slots) shuffle(cycle uint64) {
	for i := range s.order {
		s.order[i] = uint16(i)
	}
	for i := slotCount - 1; i > 0; i-- {
		j := int(injector.Mix(s.seed^0x51075107, cycle<<16|uint64(i)) % uint64(i+1))
		s.order[i], s.order[j] = s.order[j], s.order[i]
	}
}

// reserve finds the first instant at or after t, in steps of the grid, that
// nobody else was given. It matters only once more requests are in progress
// than there are offsets. s.mu is held.
func (s *slots) reserve(t int64) int64 {
	if s.shared == nil {
		return t
	}
	for {
		if _, ok := s.shared[t]; !ok {
			s.shared[t] = struct{}{}
			return t
		}
		t += int64(grid)
	}
}

type slot struct {
	slots *slots
	index int
	last  int64 // the instant that After gave out last; slots.mu guards it: a request's two directions share the slot
	once  sync.Once
}

func (s *slot) offset() int64 { return 2 * int64(s.index+ownOffsets) }

// Before implements injector.Slot.
func (s *slot) Before(t time.Time) time.Time {
	n := t.UnixNano() - 1
	return t.Add(-time.Duration(1 + mod(n-s.offset())))
}

// After implements injector.Slot.
func (s *slot) After(t time.Time) time.Time {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	n := t.UnixNano()
	if n == s.last {
		return t
	}
	s.last = s.slots.reserve(n + mod(s.offset()-n))
	return t.Add(time.Duration(s.last - n))
}

// Release implements injector.Slot.
func (s *slot) Release() {
	s.once.Do(func() {
		s.slots.mu.Lock()
		defer s.slots.mu.Unlock()
		s.slots.used[s.index]--
		s.slots.holds--
	})
}

func mod(n int64) int64 {
	n %= int64(grid)
	if n < 0 {
		n += int64(grid)
	}
	return n
}
