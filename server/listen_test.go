package server_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A port that cannot be had is named, with whose it was to be, and none is held
// on to.
func TestPortsInUse(t *testing.T) {
	t.Parallel()
	_, err := server.New(server.Options{Port: 3999, Targets: []server.Target{
		{Name: "a", Upstream: "tcp://h:1", Port: 4001}, {Name: "b", Upstream: "http://h:1", Port: 4001}, {Name: "c", Port: 3999},
	}})
	require.EqualError(t, err, "target b: port 4001 is that of target a already: give it another\n"+
		"target c: port 3999 is that of the server itself already: give it another")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	log := slog.New(slog.DiscardHandler)
	s, err := server.New(server.Options{Port: port, Logger: log})
	require.NoError(t, err)
	require.ErrorContains(t, s.Listen(), "choose another port with --http-port")
	s, err = server.New(server.Options{Port: server.AnyPort, Logger: log, Targets: []server.Target{{Name: "a", Upstream: "tcp://h:1", Port: port}}})
	require.NoError(t, err)
	err = s.Listen()
	require.ErrorContains(t, err, "target a: listen tcp")
	require.ErrorContains(t, err, "choose another port with port= of --target, or end what uses this one")
	require.NotContains(t, err.Error(), "--http-port")
	require.Empty(t, s.URL())
	require.NoError(t, taken.Close())
	require.NoError(t, s.Listen(), "it can be tried again")
	require.NoError(t, s.Close())
}

// Run ends with the server, whoever closes that.
func TestRunEndsWithClose(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Options{Port: server.AnyPort, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background()) }()
	require.Equal(t, 200, callAPI(t, s.URL(), "GET", "/health", nil, nil))
	require.NoError(t, s.Close())
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		require.Fail(t, "it still runs")
	}
	require.ErrorIs(t, s.Run(context.Background()), http.ErrServerClosed)
}
