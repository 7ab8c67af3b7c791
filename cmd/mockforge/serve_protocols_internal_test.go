package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

func TestProtocolFlagsMakeAConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want injector.Config
	}{
		{"--chaos-grpc", injector.Config{GRPC: &injector.GRPC{StreamInterruptionProbability: new(0.1)}}},
		{"--chaos-grpc --chaos-grpc-status-codes UNAVAILABLE,ABORTED", injector.Config{GRPC: &injector.GRPC{StatusCodes: []string{"UNAVAILABLE", "ABORTED"}}}},
		{"--chaos-grpc --chaos-grpc-status-codes ABORTED --chaos-grpc-stream-interruption-probability 0.2",
			injector.Config{GRPC: &injector.GRPC{StatusCodes: []string{"ABORTED"}, StreamInterruptionProbability: new(0.2)}}},
		{"--chaos-websocket", injector.Config{WebSocket: &injector.WebSocket{MessageDropProbability: new(0.05), MessageCorruptionProbability: new(0.05)}}},
		{"--chaos-websocket --chaos-websocket-close-codes 1008,1011", injector.Config{WebSocket: &injector.WebSocket{CloseCodes: []int{1008, 1011}}}},
		{"--chaos-websocket --chaos-websocket-message-drop-probability 0.05", injector.Config{WebSocket: &injector.WebSocket{MessageDropProbability: new(0.05)}}},
		{"--chaos-websocket --chaos-websocket-message-corruption-probability 1", injector.Config{WebSocket: &injector.WebSocket{MessageCorruptionProbability: new(1.0)}}},
		{"--chaos-graphql", injector.Config{GraphQL: &injector.GraphQL{PartialDataProbability: new(0.1)}}},
		{"--chaos-graphql --chaos-graphql-error-codes UNAUTHENTICATED,MY_OWN", injector.Config{GraphQL: &injector.GraphQL{ErrorCodes: []string{"UNAUTHENTICATED", "MY_OWN"}}}},
		{"--chaos-graphql --chaos-graphql-resolver-latency --chaos-graphql-partial-data-probability 0.15",
			injector.Config{GraphQL: &injector.GraphQL{PartialDataProbability: new(0.15), ResolverLatency: new(true)}}},
		{"--chaos-rate-limit 50 --chaos-grpc --chaos-graphql", injector.Config{
			RateLimit: &injector.RateLimit{RequestsPerSecond: 50, BurstSize: 100},
			GRPC:      &injector.GRPC{StreamInterruptionProbability: new(0.1)},
			GraphQL:   &injector.GraphQL{PartialDataProbability: new(0.1)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, configOf(t, tt.args))
		})
	}
	byNumber, _, err := orchestrator.ParseConfig([]byte(`{"grpc": {"status_codes": [14, "ABORTED"]}}`), orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, byNumber, configOf(t, "--chaos-grpc --chaos-grpc-status-codes 14,ABORTED"))
}

func configOf(t *testing.T, args string) injector.Config {
	t.Helper()
	var f chaosFlags
	var opts server.Options
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	f.register(flags)
	require.NoError(t, flags.Parse(strings.Fields(args)))
	require.NoError(t, f.apply(flags, &opts))
	return opts.Config
}

func TestProtocolFlagsRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--chaos-grpc-status-codes", "14"}, "--chaos-grpc-status-codes has no effect without --chaos-grpc"},
		{[]string{"--chaos-grpc=false", "--chaos-grpc-stream-interruption-probability", "1"}, "--chaos-grpc-stream-interruption-probability has no effect without --chaos-grpc"},
		{[]string{"--chaos-websocket-close-codes", "1001"}, "--chaos-websocket-close-codes has no effect without --chaos-websocket"},
		{[]string{"--chaos-graphql-resolver-latency"}, "--chaos-graphql-resolver-latency has no effect without --chaos-graphql"},
		{[]string{"--chaos-grpc", "--chaos-grpc-status-codes", "14,UNAVAILABEL"},
			`--chaos-grpc-status-codes: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the text "UNAVAILABEL"; did you mean "UNAVAILABLE"?`},
		{[]string{"--chaos-grpc", "--chaos-grpc-status-codes", ""}, `--chaos-grpc-status-codes: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the text ""`},
		{[]string{"--chaos-grpc", "--chaos-grpc-stream-interruption-probability", "7"}, "--chaos-grpc-stream-interruption-probability: 7 is out of range: must be 0 to 1"},
		{[]string{"--chaos-grpc", "--chaos-grpc-stream-interruption-probability", "NaN"}, "--chaos-grpc-stream-interruption-probability: NaN is not a number"},
		{[]string{"--chaos-websocket", "--chaos-websocket-close-codes", "1008,99"}, "--chaos-websocket-close-codes: 99 is out of range: must be 1000 to 4999"},
		{[]string{"--chaos-websocket", "--chaos-websocket-close-codes", "1008,away"}, `--chaos-websocket-close-codes: must be a whole number, not the text "away"`},
		{[]string{"--chaos-websocket", "--chaos-websocket-message-drop-probability", "-1"}, "--chaos-websocket-message-drop-probability: -1 is out of range: must be 0 to 1"},
		{[]string{"--chaos-graphql", "--chaos-graphql-error-codes", "A,,B"}, `--chaos-graphql-error-codes: must not be empty`},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			code, _, stderr := execute(t, append([]string{"serve", "--http-port", "0"}, tt.args...)...)
			require.Equal(t, exitUsage, code)
			first, _, _ := strings.Cut(stderr, "\n")
			require.Equal(t, "Error: "+tt.want, first)
		})
	}
}

// The documented command, with the ports of one server.
func TestServeWithProtocolChaos(t *testing.T) {
	t.Parallel()
	url, greeting := serveInProcess(t, "--chaos", "--chaos-latency-ms", "200", "--chaos-rate-limit", "50",
		"--chaos-grpc", "--chaos-grpc-status-codes", "INTERNAL,UNAVAILABLE",
		"--chaos-websocket", "--chaos-websocket-message-drop-probability", "0.05",
		"--chaos-graphql", "--chaos-graphql-partial-data-probability", "0.1")
	require.Contains(t, greeting, "Chaos engineering enabled")
	resp, err := http.Get(url + "/api/chaos/config")
	require.NoError(t, err)
	defer resp.Body.Close()
	var config map[string]json.RawMessage
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&config))
	require.JSONEq(t, `{"status_codes": ["INTERNAL", "UNAVAILABLE"]}`, string(config["grpc"]))
	require.JSONEq(t, `{"message_drop_probability": 0.05}`, string(config["websocket"]))
	require.JSONEq(t, `{"partial_data_probability": 0.1}`, string(config["graphql"]))
}
