package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// section is what the standing config has under a name; "": nothing.
func (l *live) section(t *testing.T, name string) string {
	t.Helper()
	var config map[string]json.RawMessage
	l.ask(t, "GET", "/config", nil).ok(t).into(t, &config)
	return string(config[name])
}

// Each call makes the section where there is none, and changes nothing but its
// own fields where there is one.
func TestProtocolKnobs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, body, message, section string
		made                         string // of nothing
		before, after                string
	}{
		{"grpc/status-codes", `{"status_codes": ["UNAVAILABLE", "INTERNAL"], "probability": 0.2}`, "gRPC status codes configured", "grpc",
			`{"status_codes": ["UNAVAILABLE", "INTERNAL"], "probability": 0.2}`,
			`{"status_codes": ["NOT_FOUND"], "stream_interruption_probability": 0.3}`,
			`{"status_codes": ["UNAVAILABLE", "INTERNAL"], "probability": 0.2, "stream_interruption_probability": 0.3}`},
		{"grpc/stream-interruption", `{"probability": 0.1}`, "gRPC stream interruption configured", "grpc",
			`{"stream_interruption_probability": 0.1}`,
			`{"status_codes": ["NOT_FOUND"], "probability": 0.2}`,
			`{"status_codes": ["NOT_FOUND"], "probability": 0.2, "stream_interruption_probability": 0.1}`},
		{"websocket/close-codes", `{"close_codes": [1008, 1011], "probability": 0.15}`, "WebSocket close codes configured", "websocket",
			`{"close_codes": [1008, 1011], "probability": 0.15}`,
			`{"message_drop_probability": 0.5, "probability": 1}`,
			`{"close_codes": [1008, 1011], "probability": 0.15, "message_drop_probability": 0.5}`},
		{"websocket/message-drop", `{"probability": 0.05}`, "WebSocket message drop configured", "websocket",
			`{"message_drop_probability": 0.05}`,
			`{"close_codes": [1011], "probability": 1}`,
			`{"close_codes": [1011], "probability": 1, "message_drop_probability": 0.05}`},
		{"websocket/message-corruption", `{"probability": 0.05}`, "WebSocket message corruption configured", "websocket",
			`{"message_corruption_probability": 0.05}`,
			`{"message_drop_probability": 0.5}`,
			`{"message_drop_probability": 0.5, "message_corruption_probability": 0.05}`},
		{"graphql/error-codes", `{"error_codes": ["UNAUTHENTICATED"], "probability": 0.2}`, "GraphQL error codes configured", "graphql",
			`{"error_codes": ["UNAUTHENTICATED"], "probability": 0.2}`,
			`{"resolver_latency": true}`,
			`{"error_codes": ["UNAUTHENTICATED"], "probability": 0.2, "resolver_latency": true}`},
		{"graphql/partial-data", `{"probability": 0.1}`, "GraphQL partial data configured", "graphql",
			`{"partial_data_probability": 0.1}`,
			`{"probability": 0.7}`,
			`{"probability": 0.7, "partial_data_probability": 0.1}`},
		{"graphql/resolver-latency", `{"enabled": true}`, "GraphQL resolver latency enabled", "graphql",
			`{"resolver_latency": true}`,
			`{"error_codes": ["FORBIDDEN"]}`,
			`{"error_codes": ["FORBIDDEN"], "resolver_latency": true}`},
		{"graphql/resolver-latency", `{"enabled": false}`, "GraphQL resolver latency disabled", "graphql",
			`{"resolver_latency": false}`,
			`{"resolver_latency": true}`,
			`{"resolver_latency": false}`},
		{"grpc/status-codes", `{"status_codes": ["ABORTED"]}`, "gRPC status codes configured", "grpc", // the probability stays
			`{"status_codes": ["ABORTED"]}`,
			`{"status_codes": ["NOT_FOUND"], "probability": 0.2}`,
			`{"status_codes": ["ABORTED"], "probability": 0.2}`},
		{"grpc/status-codes", `{"status_codes": null, "probability": null}`, "gRPC status codes configured", "grpc", // null removes
			`{}`,
			`{"status_codes": ["NOT_FOUND"], "probability": 0.2, "stream_interruption_probability": 0.3}`,
			`{"stream_interruption_probability": 0.3}`},
	}
	for _, tt := range tests {
		t.Run(tt.path+tt.body, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true})
			l.ask(t, "POST", "/protocols/"+tt.path, tt.body).says(t, 200, tt.message)
			if tt.made != `{}` { // a section without a field is not written
				require.JSONEq(t, tt.made, l.section(t, tt.section))
			}

			l.ask(t, "PUT", "/config", `{"latency": {"fixed_delay_ms": 1}, "`+tt.section+`": `+tt.before+`}`).ok(t)
			l.ask(t, "POST", "/protocols/"+tt.path, tt.body).says(t, 200, tt.message)
			require.JSONEq(t, tt.after, l.section(t, tt.section))
			require.JSONEq(t, `{"fixed_delay_ms": 1}`, l.section(t, "latency"))
			require.Equal(t, "null", l.section(t, "fault_injection"), "HTTP's faults are no business of a protocol")
		})
	}
}

// What is wrong is found where it stands, and changes nothing.
func TestProtocolKnobsRefuse(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	const before = `{"grpc": {"status_codes": ["NOT_FOUND"]}, "websocket": {"close_codes": [1011]}, "graphql": {"resolver_latency": true}}`
	l.ask(t, "PUT", "/config", before).ok(t)
	tests := []struct {
		path, body string
		status     int
		want       string
	}{
		{"grpc/status-codes", `{"status_codes": [17], "probability": 2}`, 422,
			"1:19: status_codes[0]: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the number 17\n" +
				"1:39: probability: 2 is out of range: must be 0 to 1"},
		{"grpc/status-codes", "{\n  \"status_codes\":\n    [\"UNAVAILABEL\"]}", 422,
			`3:6: status_codes[0]: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the text "UNAVAILABEL"; did you mean "UNAVAILABLE"?`},
		{"grpc/status-codes", `{"probability": 0.2}`, 422, "1:1: status_codes is missing"},
		{"grpc/status-codes", `{}`, 422, "1:1: status_codes is missing"},
		{"grpc/stream-interruption", `{"probability": "often"}`, 422, `1:17: probability: must be a number, not the text "often"`},
		{"websocket/close-codes", `{"close_codes": [999]}`, 422, "1:18: close_codes[0]: 999 is out of range: must be 1000 to 4999"},
		{"websocket/message-drop", `{"probability": 0.1, "probability": 0.2}`, 422, "1:22: probability: duplicate key"},
		{"websocket/message-drop", `{"probability": 0.1, "é": 1, "message_drop_probability": 1}`, 422,
			"1:22: é: unknown field: this call takes probability\n1:30: message_drop_probability: unknown field: this call takes probability"},
		{"graphql/error-codes", `{"error_codes": "FORBIDDEN"}`, 422, `1:17: error_codes: must be a list, not the text "FORBIDDEN"`},
		{"graphql/resolver-latency", `{"enabled": 1}`, 422, `1:13: enabled: must be true or false, not the number 1; did you mean "true"?`},
		{"graphql/resolver-latency", `[true]`, 422, "1:1: must be a JSON object with enabled"},
		{"graphql/error-codes", `null`, 422, "1:1: must be a JSON object with error_codes and probability"},
		{"graphql/partial-data", `{"probability": `, 400, "the body is not JSON: 1:16: not JSON: unexpected end of JSON input"},
		{"graphql/error-codes", `{"error_codes": ["` + strings.Repeat("A", 1<<20) + `"]}`, 422, "1:17: error_codes: larger than 1048576 bytes"},
		{"graphql/partial-data", ``, 400, "the body is empty: this call takes a JSON object"},
	}
	for _, tt := range tests {
		l.ask(t, "POST", "/protocols/"+tt.path, tt.body).says(t, tt.status, tt.want)
	}
	require.JSONEq(t, `{"status_codes": ["NOT_FOUND"]}`, l.section(t, "grpc"))
	require.JSONEq(t, `{"close_codes": [1011]}`, l.section(t, "websocket"))
	require.JSONEq(t, `{"resolver_latency": true}`, l.section(t, "graphql"))
}

// A call that confirms says why it has no effect yet.
func TestProtocolKnobsWarn(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	messages := func(a answer) (all []string) {
		for _, w := range a.ok(t).message(t).Warnings {
			all = append(all, w.Message)
		}
		return all
	}
	l.ask(t, "PUT", "/config", `{"websocket": {"enabled": false}}`).ok(t)
	drop := func() []string {
		return messages(l.ask(t, "POST", "/protocols/websocket/message-drop", `{"probability": 1}`))
	}
	const off = `the section is switched off: it takes effect after PUT /api/chaos/config/websocket {"enabled": true}`
	require.Contains(t, drop(), off)
	l.ask(t, "PUT", "/config/websocket", `{"enabled": true}`).says(t, 200, "WebSocket configuration updated")
	require.NotContains(t, drop(), off)
	l.ask(t, "POST", "/disable", nil).ok(t)
	require.Contains(t, drop(), "chaos is disabled: it takes effect after POST /api/chaos/enable")
}

// A status may be a number, as in a document.
func TestStatusCodesByNumber(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "POST", "/protocols/grpc/status-codes", `{"status_codes": [13, 14], "probability": 0.2}`).ok(t)
	got, _, err := orchestrator.ParseConfig([]byte(`{"grpc": `+l.section(t, "grpc")+`}`), orchestrator.JSON)
	require.NoError(t, err)
	want, _, err := orchestrator.ParseConfig([]byte(`{"grpc": {"status_codes": [13, 14], "probability": 0.2}}`), orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, want, got)
	l.ask(t, "POST", "/reset", nil).ok(t)
	require.Empty(t, l.section(t, "grpc"))
}

// The sections of protocols are changed field by field, as the others are.
func TestPartialProtocolSections(t *testing.T) {
	t.Parallel()
	tests := []struct{ section, title, fields, patch, both string }{
		{"grpc", "gRPC", `{"status_codes": ["ABORTED"]}`, `{"probability": 0.3}`, `{"status_codes": ["ABORTED"], "probability": 0.3}`},
		{"websocket", "WebSocket", `{"message_drop_probability": 0.1}`, `{"enabled": false}`, `{"enabled": false, "message_drop_probability": 0.1}`},
		{"tcp", "TCP", `{"toxics": [{"type": "down"}]}`, `{"enabled": false}`, `{"enabled": false, "toxics": [{"type": "down"}]}`},
		{"graphql", "GraphQL", `{"resolver_latency": true}`, `{"resolver_latency": null, "probability": 1}`, `{"probability": 1}`},
	}
	for _, tt := range tests {
		l := serveLive(t, server.Options{Chaos: true})
		for body, want := range map[string]string{tt.fields: tt.fields, tt.patch: tt.both} {
			if body == tt.patch {
				l.ask(t, "PUT", "/config", `{"`+tt.section+`": `+tt.fields+`}`).ok(t)
			}
			l.ask(t, "PUT", "/config/"+tt.section, body).says(t, 200, tt.title+" configuration updated")
			require.JSONEq(t, want, l.section(t, tt.section))
			l.ask(t, "POST", "/reset", nil).ok(t)
		}
		l.ask(t, "PUT", "/config/"+tt.section, `{"nonsense": 2}`).says(t, 422, "1:2: "+tt.section+".nonsense: unknown field")
	}
}

// The status says which protocols have faults.
func TestStatusOfProtocols(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{
		GRPC: &injector.GRPC{Probability: new(0.5)}, GraphQL: &injector.GraphQL{}, // translates, and does nothing by itself
	}})
	var status server.ChaosStatus
	require.Equal(t, 200, l.call("GET", "/api/chaos/status", nil, &status))
	require.True(t, status.GRPCEnabled)
	require.False(t, status.WebSocketEnabled || status.GraphQLEnabled || status.TCPEnabled)
	l.ask(t, "PUT", "/config/tcp", `{"toxics": [{"type": "down"}]}`).ok(t)
	require.Equal(t, 200, l.call("GET", "/api/chaos/status", nil, &status))
	require.True(t, status.GRPCEnabled && status.TCPEnabled)
}
