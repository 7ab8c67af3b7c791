package outage_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/outage"
)

// A real outage compounds: the network degrades, then the database slows down,
// then rate limits kick in, then circuit breakers open. Each of these steps
// says keep, so that its layer stays in force under the next ones; the quiet
// last step lifts them all. What the shop must still do in each stage stands in
// the document, and so does how fast it has to be itself again.
func TestShopSurvivesTheOutage(t *testing.T) {
	var shop *outage.Shop
	chaostest.Run(t, "testdata/outage.yaml", func(step *chaostest.Step) {
		step.Load(20, func(ctx context.Context) error {
			_, err := shop.Page(ctx, "42")
			return err
		})
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("api", says("a red bicycle"))
		env.Serve("database", says("7"))
		shop = outage.New(env.Target("api").URL, env.Target("database").URL, env.Client(), env.Track("database"))
	}))
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}
