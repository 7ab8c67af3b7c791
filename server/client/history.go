package client

import (
	"context"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// History returns the last runs, the newest first. Their steps come without
// checks; Run has them.
func (c *Client) History(ctx context.Context) ([]orchestrator.Report, error) {
	var list []orchestrator.Report
	err := c.json(ctx, call{method: "GET", path: path("orchestration", "history")}, &list)
	return list, err
}

// Run returns a run, ended or not.
func (c *Client) Run(ctx context.Context, id string) (orchestrator.Report, error) {
	var r orchestrator.Report
	err := c.json(ctx, call{method: "GET", path: path("orchestration", "history", id), member: "state"}, &r)
	return r, err
}
