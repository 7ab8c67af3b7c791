package client

import (
	"context"
	"encoding/json"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Profile is a config under a name of its own. Config is JSON that
// orchestrator.ParseConfig reads.
type Profile struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Builtin     bool            `json:"builtin"` // it came with the server and stays
	Config      json.RawMessage `json:"chaos_config"`
}

// Profiles lists the network profiles, built-in and made by users.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	var list []Profile
	err := c.json(ctx, call{method: "GET", path: path("profiles")}, &list)
	return list, err
}

// Profile returns one profile.
func (c *Client) Profile(ctx context.Context, name string) (Profile, error) {
	var p Profile
	err := c.json(ctx, call{method: "GET", path: path("profiles", name), member: "name"}, &p)
	return p, err
}

// CreateProfile makes a new profile. A name that is taken is an *Error with
// status code 409.
func (c *Client) CreateProfile(ctx context.Context, p Profile) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("profiles"), body: p})
}

// DeleteProfile deletes a profile that a user made.
func (c *Client) DeleteProfile(ctx context.Context, name string) (Reply, error) {
	return c.reply(ctx, call{method: "DELETE", path: path("profiles", name)})
}

// ApplyProfile makes a profile the standing config.
func (c *Client) ApplyProfile(ctx context.Context, name string) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("profiles", name, "apply")})
}

// ExportProfile returns a profile as a document that ImportProfile takes.
func (c *Client) ExportProfile(ctx context.Context, name string, format orchestrator.Format) ([]byte, error) {
	return c.raw(ctx, call{method: "GET", path: path("profiles", name, "export"), query: formatted(format)})
}

// ImportProfile makes a profile of a document. An invalid one is an *Error with
// its problems.
func (c *Client) ImportProfile(ctx context.Context, document []byte, format orchestrator.Format) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("profiles", "import"), body: content{string(document), format}})
}
