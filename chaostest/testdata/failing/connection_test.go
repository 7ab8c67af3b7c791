package failing

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A client that dials, on a connection that outlives its step: it makes no
// attempts that could be counted, and its connection is counted when it ends.
func TestSlowConnection(t *testing.T) {
	var conn net.Conn
	chaostest.RunOrchestration(t, orchestrator.Orchestration{
		Name:    "cache",
		Targets: map[string]orchestrator.Target{"cache": {Kind: orchestrator.TCP}},
		Steps: []orchestrator.Step{{Name: "slow", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
			TCP: &injector.TCP{Toxics: []injector.Toxic{{Type: injector.ToxicLatency, Attributes: injector.ToxicAttributes{Latency: 50 * time.Millisecond}}}},
		}}}},
	}, func(step *chaostest.Step) {
		step.Load(10, func(context.Context) error {
			if _, err := io.WriteString(conn, "ping"); err != nil {
				return err
			}
			_, err := io.ReadFull(conn, make([]byte, len("ping")))
			return err
		})
		step.Expect(assert.P50().AtMost(10 * time.Millisecond))
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.ServeConn("cache", func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
		var err error
		if conn, err = env.Target("cache").Dial(env.Context(), "tcp", ""); err != nil {
			env.Fatal(err)
		}
		env.Cleanup(func() { _ = conn.Close() })
	}))
}
