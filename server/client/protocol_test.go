package client_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/mockforge-go/mockforge/server/client"
)

// Each setting arrives in its section of a real server's standing config.
func TestProtocolSettings(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true})
	settings := []struct {
		set  func(context.Context) (client.Reply, error)
		says string
	}{
		{func(ctx context.Context) (client.Reply, error) {
			return c.SetGRPCStatusCodes(ctx, []string{"UNAVAILABLE", "ABORTED"}, 0.2)
		}, "gRPC status codes configured"},
		{func(ctx context.Context) (client.Reply, error) { return c.SetGRPCStreamInterruption(ctx, 0.1) }, "gRPC stream interruption configured"},
		{func(ctx context.Context) (client.Reply, error) {
			return c.SetWebSocketCloseCodes(ctx, []int{1008, 1011}, 0.15)
		}, "WebSocket close codes configured"},
		{func(ctx context.Context) (client.Reply, error) { return c.SetWebSocketMessageDrop(ctx, 0.05) }, "WebSocket message drop configured"},
		{func(ctx context.Context) (client.Reply, error) { return c.SetWebSocketMessageCorruption(ctx, 0.25) }, "WebSocket message corruption configured"},
		{func(ctx context.Context) (client.Reply, error) {
			return c.SetGraphQLErrorCodes(ctx, []string{"FORBIDDEN"}, 0.3)
		}, "GraphQL error codes configured"},
		{func(ctx context.Context) (client.Reply, error) { return c.SetGraphQLPartialData(ctx, 0.4) }, "GraphQL partial data configured"},
		{func(ctx context.Context) (client.Reply, error) { return c.SetGraphQLResolverLatency(ctx, true) }, "GraphQL resolver latency enabled"},
	}
	for _, s := range settings {
		reply, err := s.set(t.Context())
		require.NoError(t, err, s.says)
		require.Equal(t, s.says, reply.Message)
	}
	text, err := c.Config(t.Context())
	require.NoError(t, err)
	got, _, err := orchestrator.ParseConfig(text, orchestrator.JSON)
	require.NoError(t, err)
	want, _, err := orchestrator.ParseConfig([]byte(`{"enabled": true,
		"grpc": {"status_codes": ["UNAVAILABLE", "ABORTED"], "probability": 0.2, "stream_interruption_probability": 0.1},
		"websocket": {"close_codes": [1008, 1011], "probability": 0.15, "message_drop_probability": 0.05, "message_corruption_probability": 0.25},
		"graphql": {"error_codes": ["FORBIDDEN"], "probability": 0.3, "partial_data_probability": 0.4, "resolver_latency": true}}`), orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, want, got)

	_, err = c.SetGRPCStatusCodes(t.Context(), []string{"UNAVAILABEL"}, 0.2)
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "status_codes[0]", refused.Problems[0].Path)
	require.Equal(t, "UNAVAILABLE", refused.Problems[0].Suggestion)

	reply, err := c.SetSection(t.Context(), "graphql", json.RawMessage(`{"resolver_latency": null}`))
	require.NoError(t, err)
	require.Equal(t, "GraphQL configuration updated", reply.Message)
}
