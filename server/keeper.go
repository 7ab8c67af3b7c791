package server

import (
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A keeper writes down how far a run is, for the case that the server dies:
// when a step ends, and in between. One goroutine writes, a few times a second
// at most, so that short steps neither wait for the disk nor pile up.
type keeper struct {
	write  func() error                    // the state as it is
	report func([]orchestrator.StepReport) // of steps whose ends are safe
	failed func(error)

	wake chan struct{}
	quit chan struct{}
	done chan struct{}

	mu    sync.Mutex
	ended []orchestrator.StepReport // not safe yet
}

const (
	keepPause  = 200 * time.Millisecond // at least, between two writes
	keepPeriod = time.Second            // at most
	maxEnded   = 1000                   // steps that are remembered between two writes
)

func (k *keeper) start() {
	k.wake, k.quit, k.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go k.run()
}

// stepEnded has the end of a step written down.
func (k *keeper) stepEnded(s orchestrator.StepReport) {
	k.mu.Lock()
	k.ended = append(k.ended, s)
	if len(k.ended) > maxEnded {
		k.ended = k.ended[1:]
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default: // it will be written with what is waiting already
	}
}

func (k *keeper) run() {
	defer close(k.done)
	period := time.NewTicker(keepPeriod)
	defer period.Stop()
	for {
		select {
		case <-k.quit:
			k.once(false)
			return
		case <-k.wake:
		case <-period.C:
		}
		k.once(true)
		select {
		case <-k.quit: // once more, without a write: the end of the run is written by others
			k.once(false)
			return
		case <-time.After(keepPause):
		}
	}
}

// once writes and then tells of the steps that are safe.
func (k *keeper) once(write bool) {
	k.mu.Lock()
	ended := k.ended
	k.ended = nil
	k.mu.Unlock()
	if write {
		if err := k.write(); err != nil {
			k.failed(err)
		}
	}
	k.report(ended)
}

// stop ends the writing; nothing is written after it.
func (k *keeper) stop() {
	close(k.quit)
	<-k.done
}
