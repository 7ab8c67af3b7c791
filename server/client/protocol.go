package client

import "context"

// SetGRPCStatusCodes answers a share of the gRPC calls with one of the
// statuses: names like UNAVAILABLE, or numbers like 14. probability is 0–1.
func (c *Client) SetGRPCStatusCodes(ctx context.Context, codes []string, probability float64) (Reply, error) {
	return c.knob(ctx, "grpc", "status-codes", map[string]any{"status_codes": codes, "probability": probability})
}

// SetGRPCStreamInterruption breaks off a share of the gRPC calls, 0–1, in the
// middle.
func (c *Client) SetGRPCStreamInterruption(ctx context.Context, probability float64) (Reply, error) {
	return c.knob(ctx, "grpc", "stream-interruption", map[string]any{"probability": probability})
}

// SetWebSocketCloseCodes closes a share of the WebSocket connections with one
// of the codes, 1000–4999. probability is 0–1.
func (c *Client) SetWebSocketCloseCodes(ctx context.Context, codes []int, probability float64) (Reply, error) {
	return c.knob(ctx, "websocket", "close-codes", map[string]any{"close_codes": codes, "probability": probability})
}

// SetWebSocketMessageDrop loses a share of the WebSocket messages, 0–1.
func (c *Client) SetWebSocketMessageDrop(ctx context.Context, probability float64) (Reply, error) {
	return c.knob(ctx, "websocket", "message-drop", map[string]any{"probability": probability})
}

// SetWebSocketMessageCorruption gives a share of the WebSocket messages, 0–1, a
// wrong payload.
func (c *Client) SetWebSocketMessageCorruption(ctx context.Context, probability float64) (Reply, error) {
	return c.knob(ctx, "websocket", "message-corruption", map[string]any{"probability": probability})
}

// SetGraphQLErrorCodes answers a share of the GraphQL operations with an error
// that has one of the codes. probability is 0–1.
func (c *Client) SetGraphQLErrorCodes(ctx context.Context, codes []string, probability float64) (Reply, error) {
	return c.knob(ctx, "graphql", "error-codes", map[string]any{"error_codes": codes, "probability": probability})
}

// SetGraphQLPartialData puts nulls and errors into a share of the GraphQL
// responses, 0–1.
func (c *Client) SetGraphQLPartialData(ctx context.Context, probability float64) (Reply, error) {
	return c.knob(ctx, "graphql", "partial-data", map[string]any{"probability": probability})
}

// SetGraphQLResolverLatency delays GraphQL operations for each field at their
// top, or no longer.
func (c *Client) SetGraphQLResolverLatency(ctx context.Context, on bool) (Reply, error) {
	return c.knob(ctx, "graphql", "resolver-latency", map[string]any{"enabled": on})
}

// knob sets fields of a protocol's section of the standing config. The others
// stay; a section that is not there is made.
func (c *Client) knob(ctx context.Context, protocol, name string, fields map[string]any) (Reply, error) {
	return c.reply(ctx, call{method: "POST", path: path("protocols", protocol, name), body: fields})
}
