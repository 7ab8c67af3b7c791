package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Wait follows a run until it ends and returns its last report, whatever the
// verdict. See WithPollInterval for how often it looks. Each report, the last
// one included, is passed to progress, if that is not nil, one after another.
//
// It ends early with the error of ctx, which leaves the run running, or with
// the error of a call. A run that the server no longer knows, because it was
// restarted or because a hundred runs came after it, is an *Error with status
// code 404.
func (c *Client) Wait(ctx context.Context, id string, progress func(orchestrator.Report)) (orchestrator.Report, error) {
	if id == "" {
		return orchestrator.Report{}, errors.New("wait: no run ID; Started and Status have it")
	}
	ticker := time.NewTicker(c.poll)
	defer ticker.Stop()
	var last orchestrator.Report
	for {
		report, err := c.Run(ctx, id)
		if err != nil {
			return last, err
		}
		last = report
		if progress != nil {
			progress(report)
		}
		if report.State.Ended() {
			return report, nil
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("wait for run %s: %w", id, ctx.Err())
		case <-ticker.C:
		}
	}
}
