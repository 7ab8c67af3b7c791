package injector_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A handshake does not offer compressed messages to the upstream, on either side
// and with or without a layer; other extensions are none of chaos's business, and
// neither are other requests.
func TestWebSocketOffers(t *testing.T) {
	t.Parallel()
	const deflate = "permessage-deflate; client_max_window_bits"
	var heard http.Header
	in := injector.New()
	server := serve(t, in, hearing(&heard))
	plain := serve(t, injector.New(), hearing(&heard))
	for _, layers := range []bool{false, true} {
		if layers {
			defer in.Apply(sockets(injector.WebSocket{MessageDropProbability: new(1.0)}))()
		}
		for _, tt := range []struct{ offered, heard []string }{
			{nil, nil},
			{[]string{deflate}, nil},
			{[]string{`bbf; id="a,b", ` + deflate, `PerMessage-Bzip2 , x`, "x-webkit-deflate-frame"}, []string{`bbf; id="a,b", x`}},
			{[]string{deflate, `a;x="\`}, []string{`a;x="\`}},
			{[]string{`a;x="permessage-deflate, \",permessage-deflate"`, "b , c"}, []string{`a;x="permessage-deflate, \",permessage-deflate"`, "b , c"}},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			require.NoError(t, err)
			r.Header["Sec-Websocket-Extensions"] = tt.offered
			for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"} {
				r.Header.Set(name, value)
			}
			for side, client := range map[string]*http.Client{"server": {}, "client": {Transport: in.RoundTripper(nil)}} {
				if side == "client" {
					r.URL.Host = plain.Listener.Addr().String()
				}
				heard = nil
				resp, err := client.Do(r)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, tt.heard, heard["Sec-Websocket-Extensions"], side)
				require.Equal(t, tt.offered, r.Header["Sec-Websocket-Extensions"], "a request is its client's")
			}
			r.Header.Del("Upgrade")
			r.URL.Host = server.Listener.Addr().String()
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, tt.offered, heard["Sec-Websocket-Extensions"])
		}
	}
}

// hearing notes a request's header and answers with nothing.
func hearing(heard *http.Header) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { *heard = r.Header })
}
