package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Sections are the parts of a config that SetSection takes, by the names that
// they have in the API.
func Sections() []string {
	return []string{"latency", "faults", "rate-limit", "traffic", "circuit-breaker", "bulkhead", "grpc", "websocket", "graphql", "tcp"}
}

// Config returns the standing config: what is in force when no orchestration
// runs. It is JSON that orchestrator.ParseConfig reads.
func (c *Client) Config(ctx context.Context) (json.RawMessage, error) {
	var config json.RawMessage
	err := c.json(ctx, call{method: "GET", path: path("config"), member: "enabled"}, &config)
	return config, err
}

// SetConfig replaces the standing config by a JSON document, such as
// orchestrator.EncodeConfig writes. It counts from the next request on.
func (c *Client) SetConfig(ctx context.Context, config json.RawMessage) (Reply, error) {
	if err := valid(config); err != nil {
		return Reply{}, fmt.Errorf("set config: %w", err)
	}
	return c.reply(ctx, call{method: "PUT", path: path("config"), body: config})
}

// SetSection changes a section of the standing config, one of Sections: fields
// that patch does not name stay as they are, and null removes one.
func (c *Client) SetSection(ctx context.Context, section string, patch json.RawMessage) (Reply, error) {
	if !slices.Contains(Sections(), section) {
		return Reply{}, fmt.Errorf("set section: no section is called %q: use %s", section, strings.Join(Sections(), ", "))
	}
	if err := valid(patch); err != nil {
		return Reply{}, fmt.Errorf("set section %s: %w", section, err)
	}
	return c.reply(ctx, call{method: "PUT", path: path("config", section), body: patch})
}

// valid finds the mistake before the server does.
func valid(document json.RawMessage) error {
	var anything any
	return json.Unmarshal(document, &anything)
}

// Enable switches chaos on: the standing config is in force, and
// orchestrations may start.
func (c *Client) Enable(ctx context.Context) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("enable")})
}

// Disable switches chaos off. A run goes on without its faults.
func (c *Client) Disable(ctx context.Context) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("disable")})
}

// Reset empties the standing config and stops a run.
func (c *Client) Reset(ctx context.Context) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("reset")})
}
