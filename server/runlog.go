package server

import "github.com/mockforge-go/mockforge/orchestrator"

// noLogs keeps no event log.
type noLogs struct{}

func (noLogs) open() (*orchestrator.EventLog, func() error, error) {
	return nil, func() error { return nil }, nil
}
