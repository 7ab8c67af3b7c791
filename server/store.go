package server

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
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
	// Document is what was imported, word for word: written anew it may be
	// larger than a document can be.
	Document []byte              `json:"document,omitempty"`
	Format   orchestrator.Format `json:"format,omitempty"`
}

// parse reads the document, which was valid when it was kept: that it is not any
// more is the server's fault and not the caller's.
func (i imported) parse() (*orchestrator.Orchestration, []orchestrator.Problem, error) {
	o, warnings, err := orchestrator.Parse(i.Document, i.Format)
	if err != nil {
		return nil, nil, fmt.Errorf("orchestration %s cannot be read: %s", i.Name, err.Error())
	}
	return o, warnings, nil
}

// A running orchestration, as it is kept for the case that the server dies.
type running struct {
	Report   orchestrator.Report `json:"report"` // as of the last step that ended
	Document []byte              `json:"document"`
}

// A store keeps what outlives a run and, with a data directory, the server.
// Every method returns after the data is safe. Putting returns errFull where
// there would be more than maxKept of a kind, or more than maxKeptBytes, and
// errLongName.
type store interface {
	putImport(imported) error
	importOf(name string) (*imported, error) // nil: there is none
	imports() ([]imported, error)            // sorted by name, without their documents
	deleteImport(name string) (found bool, err error)

	putProfile(name string, document []byte) error
	profileOf(name string) ([]byte, error) // nil: there is none
	profiles() ([][]byte, error)           // sorted by name
	deleteProfile(name string) (found bool, err error)

	setRunning(*running) error // nil: nothing runs
	running() (*running, error)

	addHistory(orchestrator.Report) error         // keeps the latest maxHistory
	history() ([]orchestrator.Report, error)      // newest first
	past(id string) (*orchestrator.Report, error) // nil: there is none
	latest() (*orchestrator.Report, error)        // nil: there is none

	close() error
}

// maxHistory is how many runs stay readable.
const maxHistory = 100

const (
	maxKept      = 1000
	maxKeptBytes = 64 << 20
)

// maxName is in bytes. A name is a key of the store, and stands in paths.
const maxName = 1000

var (
	errFull     = errors.New("the store is full")
	errLongName = errors.New("the name is too long")
)

// full reports whether a kind of things is kept in full. sizes and room are in
// bytes.
func full(sizes iter.Seq[int], room int) bool {
	number, bytes := 0, 0
	for size := range sizes {
		number++
		bytes += size
	}
	return number > maxKept || bytes > room
}

// whileKeeping says what to do about a full store. kind is in the plural, as in
// the API's paths.
func whileKeeping(err error, kind string) error {
	if errors.Is(err, errFull) {
		return refuse(http.StatusConflict, "the server keeps at most %d %s and %d MiB of them: delete one with DELETE /api/chaos/%s/NAME", maxKept, kind, maxKeptBytes>>20, kind)
	}
	if errors.Is(err, errLongName) {
		return &orchestrator.InvalidError{Problems: []orchestrator.Problem{{Path: "name", Message: fmt.Sprintf("is longer than the %d bytes that the server keeps", maxName)}}}
	}
	return err
}
