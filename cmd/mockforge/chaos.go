package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server/client"
)

func chaosCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "chaos",
		Short: "See and change what a server injects when no orchestration runs",
		Example: `  mockforge chaos status
  mockforge chaos profile apply slow_3g
  mockforge chaos reset`,
	})
	c.AddCommand(chaosStatusCommand(), profileCommand(),
		switchCommand("enable", "Switch chaos on", "Switch chaos on: what is configured is injected, and orchestrations may start.", (*client.Client).Enable),
		switchCommand("disable", "Switch chaos off", "Switch chaos off: nothing is injected. A run goes on without its faults.", (*client.Client).Disable),
		switchCommand("reset", "Forget what is configured, and stop a run", "Forget what is configured, from flags, profiles and scenarios, and stop a run.", (*client.Client).Reset))
	return c
}

func switchCommand(use, short, long string, flip func(*client.Client, context.Context) (client.Reply, error)) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: "  mockforge chaos " + use, Args: noArgs("")}
	return callCommand(c, newRemote(c), func(c *cobra.Command, _ []string, api *client.Client) (client.Reply, error) {
		return flip(api, c.Context())
	})
}

func chaosStatusCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what a server injects",
		Example: `  mockforge chaos status
  mockforge chaos status --output json`,
		Args: noArgs(""),
	}
	r := newRemote(c)
	outputFlag(c, &output)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return show(c, r, output, (*client.Client).ChaosStatus, writeChaosStatus)
	}
	return c
}

// writeChaosStatus writes one field on a line, by the names of the API.
func writeChaosStatus(w io.Writer, s client.ChaosStatus) error {
	var b strings.Builder
	fmt.Fprintf(&b, "enabled: %t\nactive_scenarios: %s\n", s.Enabled, list(s.ActiveScenarios))
	for _, section := range []struct {
		name string
		on   bool
	}{
		{"latency", s.Latency}, {"fault_injection", s.FaultInjection}, {"rate_limit", s.RateLimit},
		{"traffic_shaping", s.TrafficShaping}, {"circuit_breaker", s.CircuitBreaker}, {"bulkhead", s.Bulkhead},
		{"grpc", s.GRPC}, {"websocket", s.WebSocket}, {"graphql", s.GraphQL}, {"tcp", s.TCP},
	} {
		fmt.Fprintf(&b, "%s_enabled: %t\n", section.name, section.on)
	}
	switch o := s.Orchestration; {
	case o == nil || o.Name == "":
		b.WriteString("orchestration: none\n")
	case o.Running:
		fmt.Fprintf(&b, "orchestration: %s, running, progress %.2f\n", oneLine(o.Name), o.Progress)
	default:
		fmt.Fprintf(&b, "orchestration: %s, %s\n", oneLine(o.Name), oneLine(string(o.State)))
	}
	for _, t := range s.Targets {
		upstream := "answered by the server itself"
		if t.Upstream != "" {
			upstream = "to " + oneLine(t.Upstream)
		}
		fmt.Fprintf(&b, "target: %s at %s, %s\n", oneLine(t.Name), oneLine(t.URL), upstream)
	}
	fmt.Fprintf(&b, "version: %s\n", oneLine(s.Version))
	_, err := io.WriteString(w, b.String())
	return err
}
