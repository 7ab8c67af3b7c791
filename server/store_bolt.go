package server

import (
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
type boltStore struct {
	db   *bolt.DB
	room int // for each kind, in bytes
}

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
	return &boltStore{db, maxKeptBytes}, nil
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

// keep puts where there is an end to what is kept.
func (s *boltStore) keep(bucket, key string, value any) error {
	if len(key) > maxName {
		return errLongName
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		if err := b.Put([]byte(key), data); err != nil {
			return err
		}
		sizes := func(yield func(int) bool) {
			c := b.Cursor()
			for key, data := c.First(); key != nil && yield(len(data)); {
				key, data = c.Next()
			}
		}
		if full(sizes, s.room) {
			return errFull // which takes the transaction back
		}
		return nil
	})
}

// one reads a value; nil: there is none.
func one[T any](s *boltStore, bucket, key string) (out *T, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		data := tx.Bucket([]byte(bucket)).Get([]byte(key))
		if data == nil {
			return nil
		}
		out = new(T)
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("data directory: %s %q cannot be read: %w", bucket, key, err)
		}
		return nil
	})
	return out, err
}

func (s *boltStore) putImport(i imported) error { return s.keep(bucketImports, i.Name, i) }

func (s *boltStore) importOf(name string) (*imported, error) {
	return one[imported](s, bucketImports, name)
}

func (s *boltStore) imports() ([]imported, error) {
	list, err := all[imported](s, bucketImports)
	for i := range list {
		list[i].Document, list[i].Format = nil, ""
	}
	return list, err
}

func (s *boltStore) deleteImport(name string) (bool, error) { return s.remove(bucketImports, name) }

type storedProfile struct {
	Name     string `json:"name"`
	Document []byte `json:"document"`
}

func (s *boltStore) putProfile(name string, document []byte) error {
	return s.keep(bucketProfiles, name, storedProfile{name, document})
}

func (s *boltStore) profileOf(name string) ([]byte, error) {
	p, err := one[storedProfile](s, bucketProfiles, name)
	if p == nil || err != nil {
		return nil, err
	}
	return p.Document, nil
}

func (s *boltStore) profiles() (out [][]byte, err error) {
	list, err := all[storedProfile](s, bucketProfiles)
	for _, p := range list {
		out = append(out, p.Document)
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

// addHistory keys runs by their ids, which rise.
func (s *boltStore) addHistory(r orchestrator.Report) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketHistory))
		if err := b.Put([]byte(r.ID), data); err != nil {
			return err
		}
		for n := b.Inspect().KeyN; n > maxHistory; n-- {
			oldest, _ := b.Cursor().First()
			if err := b.Delete(oldest); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *boltStore) history() ([]orchestrator.Report, error) {
	list, err := all[orchestrator.Report](s, bucketHistory)
	slices.Reverse(list)
	return list, err
}

func (s *boltStore) past(id string) (*orchestrator.Report, error) {
	return one[orchestrator.Report](s, bucketHistory, id)
}

func (s *boltStore) latest() (*orchestrator.Report, error) {
	var id string
	err := s.db.View(func(tx *bolt.Tx) error {
		key, _ := tx.Bucket([]byte(bucketHistory)).Cursor().Last()
		id = string(key)
		return nil
	})
	if err != nil || id == "" {
		return nil, err
	}
	return s.past(id)
}

func (s *boltStore) close() error { return s.db.Close() }
