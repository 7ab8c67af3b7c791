//go:build !linux

package injector

import (
	"errors"
	"time"
)

// An alarmClock is not needed where the runtime waits for its timers exactly, as
// on macOS, and not there elsewhere.
type alarmClock struct{}

func newAlarmClock() (*alarmClock, error) { return nil, errors.ErrUnsupported }

func (*alarmClock) set(time.Duration) {}
func (*alarmClock) wait() bool        { return false }
func (*alarmClock) close()            {}

func isKernelTime(time.Time) bool { return false }
