package chaostest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
)

// Both directions lose packets by quotas of their own. What both may be off by
// is not held against the rate.
func TestLossInBothDirections(t *testing.T) {
	t.Parallel()
	o := chaos("lossy", time.Hour, injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 10}})
	o.Expect = []assert.Expectation{assert.MustParse("injected.packet_loss ~ 10%")}
	for seed := range uint64(20) {
		in(t, o, func(step *chaostest.Step) {
			for range 33 {
				require.Equal(step, http.StatusOK, fetch(step.Client(), request(step, http.MethodGet, step.URL, nil)).status)
			}
		}, chaostest.Seed(seed))
	}
}
