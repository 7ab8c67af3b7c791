package server

import (
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// An imported orchestration is kept by its name.
type imported struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Tags        []string  `json:"tags"`
	Steps       int       `json:"steps"`
	At          time.Time `json:"imported_at"`
	Document    []byte    `json:"document,omitempty"` // as orchestrator.Encode writes JSON
}

// A running orchestration, as it is kept for the case that the server dies.
type running struct {
	Report   orchestrator.Report `json:"report"` // as of the last step that ended
	Document []byte              `json:"document"`
}

// A store keeps what outlives a run and, with a data directory, the server.
// Every method returns after the data is safe.
type store interface {
	putImport(imported) error
	imports() ([]imported, error) // sorted by name
	deleteImport(name string) (found bool, err error)

	putProfile(name string, document []byte) error
	profiles() (map[string][]byte, error)
	deleteProfile(name string) (found bool, err error)

	setRunning(*running) error // nil: nothing runs
	running() (*running, error)

	addHistory(orchestrator.Report) error    // keeps the latest maxHistory
	history() ([]orchestrator.Report, error) // newest first

	close() error
}

// maxHistory is how many runs stay readable.
const maxHistory = 100
