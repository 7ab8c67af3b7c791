package server

import (
	"maps"
	"slices"
	"sync"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A memoryStore keeps everything until the server ends.
type memoryStore struct {
	room int // for each kind, in bytes

	mu      sync.Mutex
	docs    map[string]imported
	custom  map[string][]byte
	current *running
	runs    []orchestrator.Report // newest first
}

func newMemoryStore() *memoryStore {
	return &memoryStore{room: maxKeptBytes, docs: map[string]imported{}, custom: map[string][]byte{}}
}

func (s *memoryStore) putImport(i imported) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return put(s.docs, s.room, i.Name, i, func(i imported) int { return len(i.Document) + len(i.Description) })
}

// put adds to a map, unless that makes it too large.
func put[T any](to map[string]T, room int, name string, value T, size func(T) int) error {
	if len(name) > maxName {
		return errLongName
	}
	old, had := to[name]
	to[name] = value
	sizes := func(yield func(int) bool) {
		for _, v := range to {
			if !yield(size(v)) {
				return
			}
		}
	}
	if !full(sizes, room) {
		return nil
	}
	delete(to, name)
	if had {
		to[name] = old
	}
	return errFull
}

func (s *memoryStore) importOf(name string) (*imported, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.docs[name]; ok {
		return &i, nil
	}
	return nil, nil
}

func (s *memoryStore) imports() ([]imported, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []imported
	for _, name := range slices.Sorted(maps.Keys(s.docs)) {
		i := s.docs[name]
		i.Document, i.Format = nil, ""
		out = append(out, i)
	}
	return out, nil
}

func (s *memoryStore) deleteImport(name string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.docs[name]
	delete(s.docs, name)
	return found, nil
}

func (s *memoryStore) putProfile(name string, document []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return put(s.custom, s.room, name, document, func(d []byte) int { return len(d) })
}

func (s *memoryStore) profileOf(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.custom[name], nil
}

func (s *memoryStore) profiles() ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, name := range slices.Sorted(maps.Keys(s.custom)) {
		out = append(out, s.custom[name])
	}
	return out, nil
}

func (s *memoryStore) deleteProfile(name string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.custom[name]
	delete(s.custom, name)
	return found, nil
}

func (s *memoryStore) setRunning(r *running) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = r
	return nil
}

func (s *memoryStore) running() (*running, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, nil
}

func (s *memoryStore) addHistory(r orchestrator.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = slices.Insert(s.runs, 0, r)
	s.runs = s.runs[:min(len(s.runs), maxHistory)]
	return nil
}

func (s *memoryStore) history() ([]orchestrator.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs), nil
}

func (s *memoryStore) past(id string) (*orchestrator.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.ID == id {
			return &r, nil
		}
	}
	return nil, nil
}

func (s *memoryStore) latest() (*orchestrator.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.runs) == 0 {
		return nil, nil
	}
	return new(s.runs[0]), nil
}

func (s *memoryStore) close() error { return nil }
