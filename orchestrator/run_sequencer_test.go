package orchestrator_test

import (
	"context"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// late is a sequencer in which every turn takes time, as real ones do.
type late struct{}

func (late) Turn(_ context.Context, _ func() string, decide func(time.Time)) error {
	stamp := time.Now()
	time.Sleep(time.Duration(1 + stamp.UnixNano()&1)) // to an odd nanosecond or the one after it
	decide(stamp)
	return nil
}

func (late) Slot() injector.Slot { return even{} }

// even is a slot of all even instants.
type even struct{}

func (even) Before(t time.Time) time.Time { return t.Add(-time.Duration(2 - t.UnixNano()&1)) }
func (even) After(t time.Time) time.Time  { return t.Add(time.Duration(t.UnixNano() & 1)) }
func (even) Release()                     {}
