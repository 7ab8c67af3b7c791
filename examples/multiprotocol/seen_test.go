package multiprotocol_test

import (
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A seen counts how calls of one client ended, by what a check calls it.
type seen struct {
	mu     sync.Mutex
	counts map[string]int
	errs   []error // that the check does not know
}

// as counts a call and returns its error. known names it, or is "" for one that
// this protocol must not see.
func (s *seen) as(known string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	switch {
	case err == nil:
		known = "ok"
	case known == "":
		s.errs = append(s.errs, err)
	}
	s.counts[known]++
	return err
}

// also counts something besides calls.
func (s *seen) also(what string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what] += n
}

// requireOnly checks that each of the names was seen, and nothing unknown.
func (s *seen) requireOnly(step *chaostest.Step, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(step, s.errs, "%v", s.counts)
	for _, name := range append(names, "ok") {
		require.Positive(step, s.counts[name], "%s of %v", name, s.counts)
	}
}
