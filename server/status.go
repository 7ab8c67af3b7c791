package server

import (
	"slices"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// OrchestrationStatus is the run in progress, else the one that ended last.
type OrchestrationStatus struct {
	IsRunning bool    `json:"is_running"`
	Name      *string `json:"name"` // null: nothing ran yet
	Progress  float64 `json:"progress"`
	// Run has more to say about it; nil: nothing ran yet.
	*Details
}

// Details are the fields of a report that OrchestrationStatus does not name
// itself.
type Details = orchestrator.Report

// status describes the current run, else the last one, also of an earlier
// server that had the same data directory.
func (c *control) status() OrchestrationStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statusLocked()
}

func (c *control) statusLocked() OrchestrationStatus {
	report := c.last
	if c.current != nil {
		report = new(c.current.report())
	}
	if report == nil {
		return OrchestrationStatus{}
	}
	return OrchestrationStatus{IsRunning: c.current != nil && !report.State.Ended(), Name: &report.Name, Progress: report.Progress, Details: report}
}

// history lists the runs that ended, newest first, and the one in progress
// before them.
func (c *control) history() ([]orchestrator.Report, error) {
	c.mu.Lock() // or a run that ends now would be in neither
	defer c.mu.Unlock()
	all, err := c.store.history()
	if err != nil {
		return nil, err
	}
	if c.current != nil {
		all = slices.Insert(all, 0, c.current.report())
	}
	return all[:min(len(all), maxHistory)], nil
}

// find is the run of that id.
func (c *control) find(id string) (*orchestrator.Report, error) {
	all, err := c.history()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, nil
}
