package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Started is an orchestration that runs now.
type Started struct {
	Message  string                 `json:"message"`
	ID       string                 `json:"id"`   // of the run, for Wait and Run
	Seed     string                 `json:"seed"` // of every decision: "0x1f"
	Warnings []orchestrator.Problem `json:"warnings"`
}

// Start starts an orchestration, with its Seed if it has one. It returns once
// the run is under way. An invalid one is an *orchestrator.InvalidError, and
// nothing is sent; what only the server can see, such as a target that it does
// not have, is an *Error with problems (422), and a run in progress an *Error
// with status code 409.
func (c *Client) Start(ctx context.Context, o *orchestrator.Orchestration) (Started, error) {
	var document bytes.Buffer
	if err := orchestrator.Encode(&document, o, orchestrator.JSON); err != nil {
		return Started{}, fmt.Errorf("start: %w", err)
	}
	return c.start(ctx, json.RawMessage(document.Bytes()))
}

// StartNamed starts an orchestration that was imported. Without a seed it is
// the document's, else the server's choice.
func (c *Client) StartNamed(ctx context.Context, name string, seed *uint64) (Started, error) {
	return c.start(ctx, struct {
		Name string  `json:"name"`
		Seed *uint64 `json:"seed,omitempty"`
	}{name, seed})
}

func (c *Client) start(ctx context.Context, body any) (Started, error) {
	var s Started
	err := c.json(ctx, call{method: "POST", path: path("orchestration", "start"), body: body}, &s)
	return s, err
}

// Stop stops the current orchestration and returns what the server says. It is
// no error when none is running.
func (c *Client) Stop(ctx context.Context) (message string, err error) {
	return c.message(ctx, call{method: "POST", path: path("orchestration", "stop")})
}

// An Import is a document that the server keeps now.
type Import struct {
	Message  string                 `json:"message"`
	Warnings []orchestrator.Problem `json:"warnings"`
}

// Import gives the server a document to keep under its name. An invalid one is
// an *Error with its problems.
func (c *Client) Import(ctx context.Context, document []byte, format orchestrator.Format) (Import, error) {
	var i Import
	err := c.json(ctx, call{method: "POST", path: path("orchestration", "import"), body: content{string(document), format}}, &i)
	return i, err
}

// content is a document on its way to the server.
type content struct {
	Content string              `json:"content"`
	Format  orchestrator.Format `json:"format"`
}

// Imported sums up a document that the server keeps.
type Imported struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Steps       int       `json:"steps"`
	ImportedAt  time.Time `json:"imported_at,omitzero"`
}

// List lists the documents that the server keeps.
func (c *Client) List(ctx context.Context) ([]Imported, error) {
	var list []Imported
	err := c.json(ctx, call{method: "GET", path: path("orchestrations")}, &list)
	return list, err
}

// Export returns a document that the server keeps.
func (c *Client) Export(ctx context.Context, name string, format orchestrator.Format) ([]byte, error) {
	return c.raw(ctx, call{method: "GET", path: path("orchestrations", name, "export"), query: formatted(format)})
}

// Delete makes the server forget a document.
func (c *Client) Delete(ctx context.Context, name string) (message string, err error) {
	return c.message(ctx, call{method: "DELETE", path: path("orchestrations", name)})
}

func formatted(format orchestrator.Format) url.Values {
	return url.Values{"format": {string(format)}}
}
