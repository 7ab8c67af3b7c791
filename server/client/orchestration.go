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
	// A server reads a document up to a size, which the spaces of one that is
	// made for reading may exceed.
	var compact bytes.Buffer
	if err := json.Compact(&compact, document.Bytes()); err != nil {
		return Started{}, fmt.Errorf("start: %w", err)
	}
	return c.start(ctx, json.RawMessage(compact.Bytes()))
}

// StartNamed starts an orchestration that was imported. Without a seed it is
// the document's, else the server's choice.
func (c *Client) StartNamed(ctx context.Context, name string, seed *uint64) (Started, error) {
	body := struct {
		Name string `json:"name"`
		Seed string `json:"seed,omitempty"` // a number would lose digits on its way
	}{Name: name}
	if seed != nil {
		body.Seed = orchestrator.FormatSeed(*seed)
	}
	return c.start(ctx, body)
}

func (c *Client) start(ctx context.Context, body any) (Started, error) {
	var s Started
	err := c.json(ctx, call{method: "POST", path: path("orchestration", "start"), body: body, member: "message"}, &s)
	return s, err
}

// Stop stops the current orchestration. It is no error when none is running;
// the reply says so.
func (c *Client) Stop(ctx context.Context) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("orchestration", "stop")})
}

// Import gives the server a document to keep under its name, in place of an
// earlier one of that name. An invalid one is an *Error with its problems.
func (c *Client) Import(ctx context.Context, document []byte, format orchestrator.Format) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("orchestration", "import"), body: content{string(document), format}})
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
func (c *Client) Delete(ctx context.Context, name string) (Reply, error) {
	return c.reply(ctx, call{method: "DELETE", path: path("orchestrations", name)})
}

func formatted(format orchestrator.Format) url.Values {
	return url.Values{"format": {string(format)}}
}
