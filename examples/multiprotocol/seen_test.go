package multiprotocol_test

import (
	"maps"
	"slices"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A seen counts what one client saw, by what its customer calls it.
type seen struct {
	mu     sync.Mutex
	counts map[string]int
	errs   []error // that the customer does not know
}

// as counts a call and returns its error. known names the error; "" is one that
// a client of this protocol must not see.
func (s *seen) as(known string, err error) error {
	switch {
	case err == nil:
		s.also("ok")
	case known == "":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errs = append(s.errs, err)
	default:
		s.also(known)
	}
	return err
}

// also counts something besides the call.
func (s *seen) also(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[what]++
}

// requireOnly checks that everything of those names was seen, successes too,
// and nothing else.
func (s *seen) requireOnly(step *chaostest.Step, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(step, s.errs, "%v", s.counts)
	require.ElementsMatch(step, append(names, "ok"), slices.Collect(maps.Keys(s.counts)), "%v", s.counts)
}
