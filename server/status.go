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
	report := c.latest()
	if report == nil {
		return OrchestrationStatus{}
	}
	return OrchestrationStatus{IsRunning: c.inProgress(), Name: &report.Name, Progress: report.Progress, Details: report}
}

// inProgress reports whether a run is, as far as anybody was told. c.mu is held.
func (c *control) inProgress() bool { return c.current != nil && !c.current.over }

// latest is the report of the run in progress, else that of the one that ended
// last; nil: nothing ran yet. Who is told of an end finds the standing config
// back, whatever else is still to be put away. c.mu is held.
func (c *control) latest() *orchestrator.Report {
	if c.current == nil {
		return c.last
	}
	report := new(c.current.report())
	if report.State.Ended() {
		c.putBack()
	}
	return report
}

// now is the report of the run in progress, else that of the one that ended
// last; nil: nothing ran yet.
func (c *control) now() *orchestrator.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest()
}

// history lists the runs that ended, newest first, and the one in progress
// before them. The store is read without the lock: it may take a while, and to
// stop a run must not wait for it.
func (c *control) history() ([]orchestrator.Report, error) {
	now := c.now()
	all, err := c.store.history()
	if err != nil {
		return nil, err
	}
	if now != nil && !slices.ContainsFunc(all, func(r orchestrator.Report) bool { return r.ID == now.ID }) {
		all = slices.Insert(all, 0, *now)
	}
	return all[:min(len(all), maxHistory)], nil
}

// find is the run of that id; nil: it is not known.
func (c *control) find(id string) (*orchestrator.Report, error) {
	if now := c.now(); now != nil && now.ID == id {
		return now, nil
	}
	return c.store.past(id)
}
