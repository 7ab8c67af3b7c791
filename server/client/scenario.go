package client

import (
	"context"
	"encoding/json"
)

// A Scenario is faults under a name. Config is JSON that
// orchestrator.ParseConfig reads; predefined scenarios are listed without it.
type Scenario struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Config      json.RawMessage `json:"config,omitempty"`
}

// Scenarios lists the scenarios that were started by name.
func (c *Client) Scenarios(ctx context.Context) ([]Scenario, error) {
	var list []Scenario
	err := c.json(ctx, call{method: "GET", path: path("scenarios")}, &list)
	return list, err
}

// PredefinedScenarios lists the scenarios that can be started by name.
func (c *Client) PredefinedScenarios(ctx context.Context) ([]Scenario, error) {
	var list []Scenario
	err := c.json(ctx, call{method: "GET", path: path("scenarios", "predefined")}, &list)
	return list, err
}

// StartScenario puts a predefined scenario in force.
func (c *Client) StartScenario(ctx context.Context, name string) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("scenarios", name)})
}

// StopScenario takes a scenario off.
func (c *Client) StopScenario(ctx context.Context, name string) (Reply, error) {
	return c.reply(ctx, call{method: "DELETE", path: path("scenarios", name)})
}

// StopScenarios takes all scenarios off.
func (c *Client) StopScenarios(ctx context.Context) (Reply, error) {
	return c.reply(ctx, call{method: "DELETE", path: path("scenarios")})
}
