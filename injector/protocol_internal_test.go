package injector

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProtocolOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, value, want string }{
		{"Content-Type", "application/grpc", ProtocolGRPC},
		{"Content-Type", "application/grpc+proto", ProtocolGRPC},
		{"Content-Type", "application/grpc; charset=utf-8", ProtocolGRPC},
		{"Content-Type", "application/grpc-web", ""},
		{"Content-Type", "application/json", ""},
		{"Upgrade", "WebSocket", ProtocolWebSocket},
		{"Upgrade", "h2c", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(c.key, c.value)
		require.Equal(t, c.want, ProtocolOf(r), "%s: %s", c.key, c.value)
	}
}
