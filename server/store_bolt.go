package server

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A boltStore keeps everything in one file of the data directory.
type boltStore struct{ db *bolt.DB }

const (
	bucketImports  = "imports"
	bucketProfiles = "profiles"
	bucketRunning  = "running"
	bucketHistory  = "history"
	runningKey     = "run"
)

// openStore opens the file in a data directory, which is made where it is
// missing. It fails within a second where another server has the file.
func openStore(dir string) (*boltStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "mockforge.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("data directory: open %s: %w; does another server use it?", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{bucketImports, bucketProfiles, bucketRunning, bucketHistory} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = db.Close() // the first error says more
		return nil, fmt.Errorf("data directory: %s: %w", path, err)
	}
	return &boltStore{db}, nil
}

func (s *boltStore) put(bucket string, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put(key, data) })
}

func (s *boltStore) remove(bucket, key string) (found bool, err error) {
	err = s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		found = b.Get([]byte(key)) != nil
		return b.Delete([]byte(key))
	})
	return found, err
}

// all reads a bucket in the order of its keys.
func all[T any](s *boltStore, bucket string) (out []T, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(key, data []byte) error {
			var value T
			if err := json.Unmarshal(data, &value); err != nil {
				return fmt.Errorf("data directory: %s %q cannot be read: %w", bucket, key, err)
			}
			out = append(out, value)
			return nil
		})
	})
	return out, err
}

func (s *boltStore) putImport(i imported) error { return s.put(bucketImports, []byte(i.Name), i) }

func (s *boltStore) imports() ([]imported, error) { return all[imported](s, bucketImports) }

func (s *boltStore) deleteImport(name string) (bool, error) { return s.remove(bucketImports, name) }

type storedProfile struct {
	Name     string `json:"name"`
	Document []byte `json:"document"`
}

func (s *boltStore) putProfile(name string, document []byte) error {
	return s.put(bucketProfiles, []byte(name), storedProfile{name, document})
}

func (s *boltStore) profiles() (map[string][]byte, error) {
	list, err := all[storedProfile](s, bucketProfiles)
	out := map[string][]byte{}
	for _, p := range list {
		out[p.Name] = p.Document
	}
	return out, err
}

func (s *boltStore) deleteProfile(name string) (bool, error) { return s.remove(bucketProfiles, name) }

func (s *boltStore) setRunning(r *running) error {
	if r == nil {
		_, err := s.remove(bucketRunning, runningKey)
		return err
	}
	return s.put(bucketRunning, []byte(runningKey), r)
}

func (s *boltStore) running() (*running, error) {
	list, err := all[running](s, bucketRunning)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// addHistory numbers the runs, so that the order of the keys is theirs.
func (s *boltStore) addHistory(r orchestrator.Report) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketHistory))
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if n > maxHistory {
			if err := b.Delete(binary.BigEndian.AppendUint64(nil, n-maxHistory)); err != nil {
				return err
			}
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), data)
	})
}

func (s *boltStore) history() ([]orchestrator.Report, error) {
	list, err := all[orchestrator.Report](s, bucketHistory)
	slices.Reverse(list)
	return list, err
}

func (s *boltStore) close() error { return s.db.Close() }
