package memnet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCloseStopsTheTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := New()
		defer network.Close()
		l, err := network.Listen("web:80")
		require.NoError(t, err)
		defer l.Close()
		conn, err := network.DialContext(context.Background(), "tcp", "web:80")
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Hour)))
		c := conn.(*Conn)
		for _, timer := range []*time.Timer{c.in.readBy.timer, c.out.writeBy.timer} {
			defer func() { require.False(t, timer.Stop(), "the timer was still running") }()
		}
		require.NoError(t, conn.Close())
	})
}

// TestDeadlineFiresEarly is what happens when a timer fires for a deadline
// that was moved meanwhile, or after the wall clock was set back.
func TestDeadlineFiresEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink(nil, 1, nil, nil)
		d := &l.client.in.readBy
		start := time.Now()
		l.mu.Lock()
		d.set(start.Add(time.Hour))
		d.timer.Reset(time.Minute)
		l.mu.Unlock()
		_, err := l.client.Read(make([]byte, 1))
		require.Error(t, err)
		require.Equal(t, time.Hour, time.Since(start))
	})
}
