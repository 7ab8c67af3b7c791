package chaostest

import (
	"context"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// stepContext is the context of a step. The step gets its own only when it is
// put in force, after the Step was made.
type stepContext struct{ step *orchestrator.ActiveStep }

func (c stepContext) Deadline() (time.Time, bool) { return c.step.Context().Deadline() }
func (c stepContext) Done() <-chan struct{}       { return c.step.Context().Done() }
func (c stepContext) Err() error                  { return c.step.Context().Err() }
func (c stepContext) Value(key any) any           { return c.step.Context().Value(key) }

var _ context.Context = stepContext{}
