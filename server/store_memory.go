package server

import (
	"maps"
	"slices"
	"sync"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A memoryStore keeps everything until the server ends.
type memoryStore struct {
	mu      sync.Mutex
	docs    map[string]imported
	custom  map[string][]byte
	current *running
	past    []orchestrator.Report // newest first
}

func newMemoryStore() *memoryStore {
	return &memoryStore{docs: map[string]imported{}, custom: map[string][]byte{}}
}

func (s *memoryStore) putImport(i imported) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[i.Name] = i
	return nil
}

func (s *memoryStore) imports() ([]imported, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []imported
	for _, name := range slices.Sorted(maps.Keys(s.docs)) {
		out = append(out, s.docs[name])
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
	s.custom[name] = document
	return nil
}

func (s *memoryStore) profiles() (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.custom), nil
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
	s.past = slices.Insert(s.past, 0, r)
	s.past = s.past[:min(len(s.past), maxHistory)]
	return nil
}

func (s *memoryStore) history() ([]orchestrator.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.past), nil
}

func (s *memoryStore) close() error { return nil }
