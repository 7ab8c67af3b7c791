package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

func TestToken(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, AdminToken: "s3cret"})
	tests := []struct {
		name   string
		header []string
		status int
	}{
		{"none", nil, 401},
		{"empty", []string{"Authorization", "Bearer "}, 401},
		{"other scheme", []string{"Authorization", "Basic s3cret"}, 401},
		{"wrong", []string{"Authorization", "Bearer secret"}, 403},
		{"prefix", []string{"Authorization", "Bearer s3cre"}, 403},
		{"longer", []string{"X-Admin-Token", "s3cret1"}, 403},
		{"bearer", []string{"Authorization", "Bearer s3cret"}, 200},
		{"scheme in any case", []string{"Authorization", "bearer s3cret"}, 200},
		{"header", []string{"X-Admin-Token", "s3cret"}, 200},
		{"by another name of the host", []string{"X-Admin-Token", "s3cret", "Host", "chaos.test:3000"}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/api/chaos/config", "/api/chaos/openapi.json", "/api/chaos/schedules", "/metrics"} {
				a := l.askPath(t, "GET", path, nil, tt.header...)
				want := tt.status
				if want == 200 && path == "/api/chaos/schedules" {
					want = 501
				}
				require.Equal(t, want, a.status, path)
				switch tt.status {
				case 401:
					require.Equal(t, `Bearer realm="mockforge"`, a.header.Get("WWW-Authenticate"))
					require.Equal(t, "the API needs the admin token: send Authorization: Bearer TOKEN", a.failure(t).Error)
				case 403:
					require.Equal(t, "the admin token is not the one that the server was started with", a.failure(t).Error)
				}
			}
			require.Equal(t, 200, l.askPath(t, "GET", "/health", nil, tt.header...).status)
		})
	}
	require.Equal(t, 401, l.ask(t, "POST", "/disable", nil).status)
	require.Equal(t, 401, l.ask(t, "GET", "/no/such/path", nil).status, "nobody learns what there is")
	l.hits(t, 200)
}

// The server listens on loopback, where every page that a browser shows can
// reach it.
func TestOrigin(t *testing.T) {
	t.Parallel()
	const page, other = "https://console.test", "https://evil.test"
	l := serveLive(t, server.Options{Chaos: true, CORSOrigins: []string{page}})
	tests := []struct {
		name    string
		header  []string
		allowed bool
	}{
		{"a program", nil, true},
		{"localhost", []string{"Host", "LocalHost:3000"}, true},
		{"IPv6", []string{"Host", "[::1]:3000"}, true},
		{"IPv6 without a port", []string{"Host", "[::1]"}, true},
		{"rebound name", []string{"Host", "evil.test:3000"}, false},
		{"rebound name that looks like loopback", []string{"Host", "127.0.0.1.evil.test"}, false},
		{"page of the rebound name", []string{"Host", "evil.test:3000", "Origin", "http://evil.test:3000"}, false},
		{"own page", []string{"Origin", l.URL()}, true},
		{"page on another port", []string{"Origin", "http://127.0.0.1:1"}, false},
		{"foreign page", []string{"Origin", other}, false},
		{"sandboxed page", []string{"Origin", "null"}, false},
		{"no URL", []string{"Origin", "%"}, false},
		{"allowed page", []string{"Origin", page}, true},
		{"allowed page in other letters", []string{"Origin", strings.ToUpper(page)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := l.ask(t, "POST", "/enable", nil, tt.header...)
			if tt.allowed {
				require.Equal(t, 200, a.status, "%s", a.body)
			} else {
				require.Equal(t, 403, a.status, "%s", a.body)
				require.Regexp(t, `--(cors-origin|admin-token)$`, a.failure(t).Error)
			}
			require.Equal(t, "Origin", a.header.Get("Vary"))
			cors := a.header.Get("Access-Control-Allow-Origin")
			if tt.name == "allowed page" {
				require.Equal(t, page, cors)
			} else {
				require.Empty(t, cors)
			}
		})
	}
	ahead := l.ask(t, "OPTIONS", "/config", nil, "Origin", page, "Access-Control-Request-Method", "PUT")
	require.Equal(t, 204, ahead.status)
	require.Contains(t, ahead.header.Get("Access-Control-Allow-Methods"), "PUT")
	require.Contains(t, ahead.header.Get("Access-Control-Allow-Headers"), "Authorization")
	ahead = l.ask(t, "OPTIONS", "/config", nil, "Origin", other, "Access-Control-Request-Method", "PUT")
	require.Equal(t, 403, ahead.status)
	require.Empty(t, ahead.header.Get("Access-Control-Allow-Origin"))
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	for _, path := range []string{"/nothing", "/config/", "", "/", "/config/jitter", "/scenarios/a/b", "/openapi.yaml"} {
		l.ask(t, "GET", path, nil).says(t, 404, "the API has no /api/chaos"+path+"; /api/chaos/openapi.json lists what it has")
	}
	tests := []struct{ method, path, allow string }{
		{"GET", "/enable", "POST"},
		{"POST", "/config", "GET, HEAD, PUT"},
		{"PATCH", "/config/latency", "PUT"},
		{"PUT", "/profiles/a", "DELETE, GET, HEAD"},
		{"POST", "/scenarios", "DELETE, GET, HEAD"},
		{"DELETE", "/orchestration/status", "GET, HEAD"},
	}
	for _, tt := range tests {
		a := l.ask(t, tt.method, tt.path, nil)
		require.Equal(t, tt.allow, a.header.Get("Allow"))
		a.says(t, 405, tt.method+" /api/chaos"+tt.path+": use "+strings.ReplaceAll(tt.allow, ", ", " or "))
	}
	require.Equal(t, 200, l.ask(t, "HEAD", "/config", nil).status)
	require.Equal(t, 200, l.ask(t, "HEAD", "/events", nil).status, "a HEAD of a stream has an end")
}

// What is documented and not built says so, and what to use instead.
func TestNotBuilt(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	tests := []struct{ method, path, instead string }{
		{"POST", "/recording/start", "serve --event-log FILE"},
		{"POST", "/recording/export", "serve --event-log FILE"},
		{"GET", "/recording/status", "serve --event-log FILE"},
		{"POST", "/replay/start", `chaostest.Replay(t, "run.chaos.jsonl", body)`},
		{"GET", "/replay/status", `chaostest.Replay(t, "run.chaos.jsonl", body)`},
		{"POST", "/schedule", "let cron run mockforge orchestrate start --name NAME"},
		{"DELETE", "/schedule/nightly", "let cron run"},
		{"POST", "/schedule/nightly/trigger", "let cron run"},
		{"GET", "/schedules", "let cron run"},
	}
	for _, tt := range tests {
		a := l.ask(t, tt.method, tt.path, `{"path": "/etc/passwd"}`)
		require.Equal(t, 501, a.status, tt.path)
		require.Contains(t, a.failure(t).Error, tt.instead)
	}
	require.Equal(t, "null", string(l.config(t).FaultInjection))
}

func TestBounds(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	large := `{"content": "` + strings.Repeat("x", 4<<20) + `"}`
	for _, call := range [][2]string{
		{"POST", "/orchestration/import"}, {"POST", "/orchestration/start"}, {"POST", "/profiles"}, {"POST", "/profiles/import"}, {"PUT", "/config"}, {"PUT", "/config/faults"},
	} {
		l.ask(t, call[0], call[1], large).says(t, 413, "the body is larger than 4194304 bytes")
	}
	l.ask(t, "POST", "/orchestration/import", map[string]string{"content": "name: " + strings.Repeat("x", 1<<20)}).says(t, 422, "1:1: larger than 1048576 bytes")

	ctx := t.Context()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/api/chaos/config", nil)
	require.NoError(t, err)
	q.Header.Set("X-Long", strings.Repeat("x", 2<<20))
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
	if err == nil { // or the server has hung up while the client still sent
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 431, resp.StatusCode)
	}
}

// Whatever goes wrong with requests, the API answers, and can switch it off.
func TestAPIAnswersUnderEveryFault(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "PUT", "/config", `{
		"latency": {"fixed_delay_ms": 600000},
		"fault_injection": {"http_error_probability": 1, "connection_errors": true, "connection_error_probability": 1, "connection_error_kind": "tcp_reset", "timeout_errors": true, "timeout_probability": 1, "partial_responses": true, "partial_response_probability": 1},
		"rate_limit": {"requests_per_second": 0.001, "burst_size": 1},
		"traffic_shaping": {"packet_loss_percent": 100, "bandwidth_limit_bps": 1},
		"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}}`).ok(t)
	for range 3 {
		l.ask(t, "GET", "/status", nil).ok(t)
		l.askPath(t, "GET", "/metrics", nil).ok(t)
		require.JSONEq(t, `{"status": "ok", "version": "(devel)"}`, string(l.askPath(t, "GET", "/health", nil).ok(t).body))
	}
	l.ask(t, "POST", "/disable", nil).ok(t)
	l.hits(t, 200)
}

// What no browser sends as its origin would let nobody in, without a word.
func TestOrigins(t *testing.T) {
	t.Parallel()
	for origin, valid := range map[string]bool{
		"https://tools.example": true, "http://localhost:8080": true,
		"tools.example": false, "https://tools.example/": false, "*": false, "": false, "https://": false,
	} {
		s, err := server.New(server.Options{CORSOrigins: []string{origin}})
		if valid {
			require.NoError(t, err, origin)
			require.NoError(t, s.Close())
		} else {
			require.ErrorContains(t, err, `CORS origin "`+origin+`": use scheme, host`)
		}
	}
}
