package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// witness answers with what of the request reached it.
func witness(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Upstream", name)
		fmt.Fprint(w, name, " ", r.RequestURI)
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{
		Upstream: backend(t, "http", witness("default")),
		Targets: []server.Target{
			{Name: "payments", Upstream: backend(t, "http", witness("payments"))},
			{Name: "refunds", Upstream: backend(t, "http", witness("refunds")) + "/base/", Prefix: "/payments/refunds/"},
			{Name: "byhost", Upstream: backend(t, "http", witness("byhost")), Host: "Orders.test"},
			{Name: "byboth", Upstream: backend(t, "http", witness("byboth")), Host: "orders.test", Prefix: "/v2"},
			{Name: "ownport", Upstream: backend(t, "http", witness("ownport")), Port: server.AnyPort},
		},
	})
	tests := []struct{ host, path, want string }{
		{"", "/", "default /"},
		{"", "/anything?a=b", "default /anything?a=b"},
		{"", "/payments", "payments /"},
		{"", "/payments/", "payments /"},
		{"", "/payments/1", "payments /1"},
		{"", "/paymentsx", "default /paymentsx"},
		{"", "/payments?x=1", "payments /?x=1"},
		{"", "/payments/refunds/7", "refunds /base/7"},
		{"", "/payments/refunds", "refunds /base/"},
		{"orders.test", "/payments", "byhost /payments"},
		{"ORDERS.test:80", "/", "byhost /"},
		{"orders.test", "/v2/x", "byboth /x"},
		{"other.test", "/v2/x", "default /v2/x"},
		// What is escaped stays so.
		{"", "/payments/a%2Fb", "payments /a%2Fb"},
		{"", "/pay%6Dents/a%2Fb", "payments /a%2Fb"},
		{"", "/a%2Fb/%C3%A9", "default /a%2Fb/%C3%A9"},
		{"", "/payments/refunds/a%2Fb", "refunds /base/a%2Fb"},
		{"", "/a//b/../c", "default /a//b/../c"},
		// The query is the upstream's affair.
		{"", "/?a=1;b=%zz&&c", "default /?a=1;b=%zz&&c"},
		{"", "/x?", "default /x?"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, rawGet(t, p.URL(), tt.host, tt.path), "%s %s", tt.host, tt.path)
	}

	own := ""
	var status struct {
		Targets []struct{ Name, URL string } `json:"targets"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.call("GET", "/api/chaos/status", "")), &status))
	for _, target := range status.Targets {
		if target.Name == "ownport" {
			own = target.URL
		}
	}
	require.NotEmpty(t, own)
	require.Equal(t, "ownport /payments", rawGet(t, own, "", "/payments"))
	require.Equal(t, "ownport /api/chaos/status", rawGet(t, own, "", "/api/chaos/status"), "a target's own port is all its own")
}

// rawGet sends a request line as it is.
func rawGet(t *testing.T, base, host, uri string) string {
	t.Helper()
	resp := rawDo(t, base, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", uri, host))
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func rawDo(t *testing.T, base, request string) *http.Response {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return resp
}

func TestUnknownTarget(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{Targets: []server.Target{{Name: "a"}, {Name: "b", Host: "b.test"}}})
	resp, body, err := p.get("/c/d")
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var failure server.Failure
	require.NoError(t, json.Unmarshal([]byte(body), &failure))
	require.Contains(t, failure.Error, "a is at /a, b is at Host b.test")
}

// Nothing that a client sends chooses where its request goes.
func TestNoOpenProxy(t *testing.T) {
	t.Parallel()
	elsewhere := backend(t, "http", func(http.ResponseWriter, *http.Request) { t.Error("a request went elsewhere") })
	other := strings.TrimPrefix(elsewhere, "http://")
	p := startPlane(t, server.Options{Upstream: backend(t, "http", witness("default"))})
	for _, request := range []string{
		"GET " + elsewhere + "/x HTTP/1.1\r\nHost: " + other + "\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: " + other + "\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: " + other + "\r\nForwarded: host=" + other + "\r\n\r\n",
	} {
		resp := rawDo(t, p.URL(), request)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "default /x", string(body), request)
	}
	for _, request := range []string{
		"CONNECT " + other + " HTTP/1.1\r\nHost: " + other + "\r\n\r\n",
		"CONNECT /x HTTP/1.1\r\nHost: " + other + "\r\n\r\n",
	} {
		resp := rawDo(t, p.URL(), request)
		require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, request)
	}
}

func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	up := backend(t, "http", func(_ http.ResponseWriter, r *http.Request) { seen <- r })
	ask := func(p *plane) *http.Request {
		req, err := http.NewRequest(http.MethodGet, p.URL()+"/x", nil)
		require.NoError(t, err)
		req.Host = "shop.test"
		req.Header.Set("X-Forwarded-For", "192.0.2.7")
		req.Header.Set("X-Forwarded-Proto", "https")
		req.Header.Set("Connection", "X-Hop")
		req.Header.Set("X-Hop", "1")
		req.Header.Set("Cookie", "a=b")
		resp, err := p.client.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return <-seen
	}

	r := ask(startPlane(t, server.Options{Upstream: up}))
	require.Equal(t, strings.TrimPrefix(up, "http://"), r.Host, "the upstream's own name")
	require.Equal(t, "shop.test", r.Header.Get("X-Forwarded-Host"))
	require.Equal(t, "http", r.Header.Get("X-Forwarded-Proto"))
	require.Equal(t, []string{"127.0.0.1"}, r.Header["X-Forwarded-For"], "anybody can write the header")
	require.Equal(t, "a=b", r.Header.Get("Cookie"))
	require.Empty(t, r.Header.Get("X-Hop"), "it belongs to the connection")
	require.Equal(t, "Go-http-client/1.1", r.Header.Get("User-Agent"))

	r = ask(startPlane(t, server.Options{Upstream: up, TrustForwarded: true}))
	require.Equal(t, []string{"192.0.2.7, 127.0.0.1"}, r.Header["X-Forwarded-For"])
}
