package checkout_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/checkout"
)

// The documented api_stress_test orchestration takes a real service through
// three minutes of progressive chaos, in virtual time: a real
// net/http client and server, go-retryablehttp, gobreaker and x/time/rate, none
// of them changed. What each step expects stands in the document; retries
// absorb the moderate stress, peak chaos opens the breaker, and the last step
// says within which time it must have closed again.
func TestCheckout(t *testing.T) {
	var shop *checkout.Service
	chaostest.Run(t, "testdata/api_stress_test.yaml", func(step *chaostest.Step) {
		step.Load(20, shop.Checkout) // 20 checkouts a second until the step ends
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("inventory", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, 7) }))
		shop = checkout.New(env.Target("payments").URL, env.Target("inventory").URL, env.Client(), env.Track("payments"))
	}))
}
