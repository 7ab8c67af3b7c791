package failover_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/failover"
)

// The documented multi-region failure, each fault in the region that it is
// about. What the client's callers see in each phase, and which region it goes
// to, stands in the document; what each region had to do is counted here.
func TestFailover(t *testing.T) {
	var client *failover.Client
	a, b := &region{says: "from a"}, &region{says: "from b"}
	chaostest.Run(t, "testdata/multi_region_failure.yaml", func(step *chaostest.Step) {
		beforeA, beforeB := a.answered.Load(), b.answered.Load()
		step.Load(20, func(ctx context.Context) error {
			_, err := client.Product(ctx, "42")
			return err
		})
		inA, inB := a.answered.Load()-beforeA, b.answered.Load()-beforeB
		all := int64(step.Results().Operations())
		switch step.Spec.Name {
		case "healthy":
			require.Equal(step, all, inA)
			require.Zero(step, inB)
		case "region_a_degrades":
			require.GreaterOrEqual(step, inB, all*95/100)
		case "region_a_is_gone":
			require.Zero(step, inA)
			require.Equal(step, all, inB, "every operation has its answer from region_b")
		case "region_b_fails", "recovery":
			require.GreaterOrEqual(step, inA, all*80/100)
		}
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("region_a", a)
		env.Serve("region_b", b)
		track := map[string]func(string){"region_a": env.Track("region_a"), "region_b": env.Track("region_b")}
		client = failover.New(env.Client(), func(region, state string) { track[region](state) },
			failover.Region{Name: "region_a", URL: env.Target("region_a").URL},
			failover.Region{Name: "region_b", URL: env.Target("region_b").URL})
		env.Watch("serving", client.Serving)
	}))
}

// A region answers, and counts its answers.
type region struct {
	says     string
	answered atomic.Int64
}

func (r *region) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.answered.Add(1)
	_, _ = io.WriteString(w, r.says)
}
