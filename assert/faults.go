package assert

import (
	"maps"
	"slices"
	"time"
)

// faults counts what the chaos server injected, by kind.
type faults struct {
	kinds map[string]*faultCount
	draws map[drawKey]Draws
}

type drawKey struct {
	kind        string
	probability float64
}

type faultCount struct {
	fired, masked   int
	shortest, delay time.Duration // the least and the most of what fired
	statuses        map[int]int
}

func newFaults() faults {
	return faults{kinds: map[string]*faultCount{}, draws: map[drawKey]Draws{}}
}

func (f *faults) injection(i Injection) {
	c := f.kinds[i.Kind]
	if c == nil {
		c = &faultCount{statuses: map[int]int{}}
		f.kinds[i.Kind] = c
	}
	if i.Spared && c.fired > 0 {
		c.fired--
		if c.statuses[i.Status]--; c.statuses[i.Status] <= 0 {
			delete(c.statuses, i.Status)
		}
	}
	if i.Masked || i.Spared {
		c.masked++
		return
	}
	if c.fired == 0 || i.Delay < c.shortest {
		c.shortest = i.Delay
	}
	c.delay = max(c.delay, i.Delay)
	c.fired++
	if i.Status != 0 {
		c.statuses[i.Status]++
	}
}

func (f *faults) setDraws(d Draws) { f.draws[drawKey{d.Kind, d.Probability}] = d }

// of returns the count of one kind; never nil, not to be changed.
func (f *faults) of(kind string) *faultCount {
	if c := f.kinds[kind]; c != nil {
		return c
	}
	return &faultCount{}
}

// drawsOf lists the draws of one kind, by probability.
func (f *faults) drawsOf(kind string) []Draws {
	var all []Draws
	for key, d := range f.draws {
		if key.kind == kind && d.Requests > 0 {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Draws) int {
		if a.Probability < b.Probability {
			return -1
		}
		return 1
	})
	return all
}

// known lists every kind that was drawn or injected, sorted.
func (f *faults) known() []string {
	names := map[string]bool{}
	for kind := range f.kinds {
		names[kind] = true
	}
	for key := range f.draws {
		names[key.kind] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (f *faults) clone() faults {
	c := faults{kinds: maps.Clone(f.kinds), draws: maps.Clone(f.draws)}
	for kind, count := range c.kinds {
		copied := *count
		copied.statuses = maps.Clone(count.statuses)
		c.kinds[kind] = &copied
	}
	return c
}

// since subtracts an earlier copy. Delays are those of the whole time.
func (f *faults) since(earlier faults) faults {
	d := f.clone()
	for kind, was := range earlier.kinds {
		now := d.kinds[kind]
		now.fired = max(now.fired-was.fired, 0) // what was spared may have fired before
		now.masked -= was.masked
		for status, n := range was.statuses {
			if now.statuses[status] -= n; now.statuses[status] <= 0 {
				delete(now.statuses, status)
			}
		}
		if now.fired == 0 && now.masked == 0 {
			delete(d.kinds, kind)
		}
	}
	for key, was := range earlier.draws {
		now := d.draws[key]
		now.Requests -= was.Requests
		now.Exact = false // a part of the stream follows no plan of its own
		d.draws[key] = now
	}
	return d
}
