package client

import (
	"context"
	"encoding/json"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Status says whether an orchestration is running, and describes it; when
// none is, it describes the last one. Before the first, only Running is
// meaningful.
type Status struct {
	Running bool `json:"is_running"`
	orchestrator.Report
}

// MarshalJSON writes a status as the server does: before the first
// orchestration the name is null and the report is left out.
func (s Status) MarshalJSON() ([]byte, error) {
	if s.Name == "" {
		return json.Marshal(struct {
			Running  bool    `json:"is_running"`
			Name     *string `json:"name"`
			Progress float64 `json:"progress"`
		}{s.Running, nil, s.Progress})
	}
	return json.Marshal(struct {
		Running  bool    `json:"is_running"`
		Name     string  `json:"name"`
		Progress float64 `json:"progress"`
		orchestrator.Report
	}{s.Running, s.Name, s.Progress, s.Report})
}

// Status asks for the current orchestration.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.json(ctx, call{method: "GET", path: path("orchestration", "status"), member: "is_running"}, &s)
	return s, err
}

// Health asks whether the server is up. It needs no token.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	err := c.json(ctx, call{method: "GET", path: "/health", member: "status"}, &h)
	return h, err
}

// Health is what a server says about itself.
type Health struct {
	Status  string `json:"status"` // "ok"
	Version string `json:"version"`
}
