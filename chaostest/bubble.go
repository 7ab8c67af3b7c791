package chaostest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// turn is held by the run that is in virtual time. Runs take turns: a
// sync.Pool of the code under test that holds timers or channels would hand
// those of one run to another, which ends the process.
var turn = make(chan struct{}, 1)

// inVirtualTime reports whether the caller is in a bubble already.
func inVirtualTime() bool {
	_, bubble := self()
	return bubble != ""
}

// A bubble is one stretch of virtual time.
//
// It runs on a goroutine of its own, so that the goroutine of the test stays
// outside and can give up on it: a frozen clock, a deadlock or an outer
// t.Fatal then leave the test binary alive.
type bubble struct {
	alive atomic.Uint64 // rises while the run makes progress
	name  atomic.Value  // "synctest bubble 7", once it began
	step  atomic.Value  // what is in force, for the watchdog
	ends  chan any      // made outside: the panic that ended it, or nil
	tired atomic.Bool   // the real time for draining is used up
	drain chan struct{} // made outside: closed when draining begins
}

// run calls f in virtual time and waits for it. It returns the panic of the
// bubble, if any, and whether the clock froze; then the bubble is abandoned.
func (b *bubble) run(t *testing.T, primes []func(), f func()) (failure any, frozen []stack) {
	turn <- struct{}{}
	defer func() { <-turn }()
	prime(t, primes)
	// Two collections empty the sync.Pools, see turn.
	runtime.GC()
	runtime.GC()
	defer func() {
		runtime.GC()
		runtime.GC()
	}()
	b.ends = make(chan any, 1)
	b.drain = make(chan struct{})
	go func() {
		var failure any = errGoexit
		defer func() {
			if p := recover(); p != nil {
				failure = p
			}
			b.ends <- failure
		}()
		synctest.Test(t, func(*testing.T) {
			_, name := self()
			b.name.Store(name)
			f()
		})
		failure = nil
	}()
	return b.watch()
}

var errGoexit = fmt.Errorf("virtual time was left by runtime.Goexit")

// prime makes outside what would otherwise be made lazily inside and then
// belong to the bubble for ever: the process ends when it is used again.
func prime(t *testing.T, primes []func()) {
	_ = t.Context().Done()
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	signal.Stop(ch)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = net.DefaultResolver.LookupHost(ctx, "localhost") // for its side effect: the resolver's configuration is read
	for _, f := range primes {
		f()
	}
}

// toEpoch lets virtual time pass until the epoch.
func toEpoch(epoch time.Time) {
	if d := time.Until(epoch); d > 0 {
		time.Sleep(d)
	}
}
