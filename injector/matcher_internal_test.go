package injector

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatchPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"/orders", "/orders", true},
		{"/orders", "/orders/", false},
		{"/orders", "/order", false},
		{"/orders/*", "/orders/1", true},
		{"/orders/*", "/orders/1/items", true}, // at the end, the rest of the path
		{"/orders/*", "/orders/", true},
		{"/orders/*", "/orders", false},
		{"/orders/*/items", "/orders/1/items", true},
		{"/orders/*/items", "/orders/1/2/items", false},
		{"/orders/{id}", "/orders/1", true},
		{"/orders/{id}", "/orders/", false},
		{"/orders/{id}", "/orders/1/items", false},
		{"/v*/orders", "/v2/orders", true},
		{"/v*/orders", "/w2/orders", false},
		{"/static/*.js", "/static/app.js", true},
		{"/static/*.js", "/static/app.css", false},
		{"*", "/anything/at/all", true},
		{"", "", true},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, matchPath(tt.pattern, tt.path), "%q against %q", tt.path, tt.pattern)
	}
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	post := func(edit func(*http.Request)) *http.Request {
		r := httptest.NewRequest("POST", "http://api.shop.test/orders/1", strings.NewReader("payload"))
		r.RemoteAddr = "10.1.2.3:4444"
		r.Header.Set("X-Tenant", "acme")
		if edit != nil {
			edit(r)
		}
		return r
	}
	chunked := post(func(r *http.Request) { r.ContentLength = -1; r.TransferEncoding = []string{"chunked"} })
	tests := []struct {
		name string
		m    RequestMatcher
		r    *http.Request
		want bool
	}{
		{"empty", RequestMatcher{}, post(nil), true},
		{"method, without case", RequestMatcher{Methods: []string{"get", "post"}}, post(nil), true},
		{"other method", RequestMatcher{Methods: []string{"GET"}}, post(nil), false},
		{"path", RequestMatcher{Paths: []string{"/x", "/orders/{id}"}}, post(nil), true},
		{"and across fields", RequestMatcher{Paths: []string{"/orders/{id}"}, Methods: []string{"GET"}}, post(nil), false},
		{"host", RequestMatcher{Hosts: []string{"API.shop.test"}}, post(nil), true},
		{"host with a port", RequestMatcher{Hosts: []string{"localhost"}}, post(func(r *http.Request) { r.Host = "localhost:8080" }), true},
		{"subdomain", RequestMatcher{Hosts: []string{"*.shop.test"}}, post(nil), true},
		{"not its own subdomain", RequestMatcher{Hosts: []string{"*.api.shop.test"}}, post(nil), false},
		{"address", RequestMatcher{SourceIPs: []string{"10.1.2.3"}}, post(nil), true},
		{"prefix", RequestMatcher{SourceIPs: []string{"192.168.0.0/16", "10.1.0.0/16"}}, post(nil), true},
		{"mapped address", RequestMatcher{SourceIPs: []string{"10.1.2.3"}}, post(func(r *http.Request) { r.RemoteAddr = "[::ffff:10.1.2.3]:1" }), true},
		{"no valid address", RequestMatcher{SourceIPs: []string{"nonsense"}}, post(nil), false},
		{"header present", RequestMatcher{Headers: []HeaderMatch{{Name: "x-tenant"}}}, post(nil), true},
		{"header value", RequestMatcher{Headers: []HeaderMatch{{Name: "X-Tenant", Value: new("acme")}}}, post(nil), true},
		{"another value", RequestMatcher{Headers: []HeaderMatch{{Name: "X-Tenant", Value: new("ACME")}}}, post(nil), false},
		{"all headers", RequestMatcher{Headers: []HeaderMatch{{Name: "X-Tenant"}, {Name: "X-Other"}}}, post(nil), false},
		{"host as a header", RequestMatcher{Headers: []HeaderMatch{{Name: "Host", Value: new("api.shop.test")}}}, post(nil), true},
		{"size", RequestMatcher{MinBodySize: new(int64(7)), MaxBodySize: new(int64(7))}, post(nil), true},
		{"too small", RequestMatcher{MinBodySize: new(int64(8))}, post(nil), false},
		{"too large", RequestMatcher{MaxBodySize: new(int64(6))}, post(nil), false},
		{"unknown size", RequestMatcher{MinBodySize: new(int64(0))}, chunked, false},
		{"chunked", RequestMatcher{ChunkedOnly: new(true)}, chunked, true},
		{"not chunked", RequestMatcher{ChunkedOnly: new(true)}, post(nil), false},
		{"only not chunked", RequestMatcher{ChunkedOnly: new(false)}, chunked, false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, newMatcher(&tt.m).match(tt.r, false), tt.name)
	}
}

func TestMatchConn(t *testing.T) {
	t.Parallel()
	from := netip.MustParseAddr("10.1.2.3")
	require.True(t, newMatcher(&RequestMatcher{SourceIPs: []string{"10.0.0.0/8"}}).matchConn(from))
	require.False(t, newMatcher(&RequestMatcher{SourceIPs: []string{"11.0.0.0/8"}}).matchConn(from))
	require.False(t, newMatcher(&RequestMatcher{Methods: []string{"GET"}}).matchConn(from), "a connection has no method")
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/orders/12345/items":                          "GET /orders/{id}/items",
		"/orders/9f0c3b1e-6f0a-4a5e-8a77-0123456789ab": "GET /orders/{id}",
		"/blobs/0a1b2c3d4e5f60718293a4b5":              "GET /blobs/{id}",
		"/v1/users":                                    "GET /v1/users",
		"/cafe/facade":                                 "GET /cafe/facade", // words
		"/":                                            "GET /",
	} {
		require.Equal(t, want, endpoint(httptest.NewRequest("GET", path, nil)))
	}
}

func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(&RateLimit{BurstSize: 1, PerIP: true})
	for i := range 3 * maxBuckets {
		l.client.get(string(rune(i)), l)
	}
	require.Len(t, l.client.byName, maxBuckets)
	require.Equal(t, maxBuckets, l.client.order.Len())
}
