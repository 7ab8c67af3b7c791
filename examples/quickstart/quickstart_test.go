package quickstart_test

import (
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
)

// One in ten requests fails for a minute. A client without retries passes all
// of these failures on, and takes no harm beyond them. The minute takes some
// milliseconds: it is virtual time.
func TestErrorsReachTheCaller(t *testing.T) {
	chaostest.Run(t, "testdata/errors.yaml", func(step *chaostest.Step) {
		for range step.Every(100 * time.Millisecond) {
			if resp, err := step.Client().Get(step.URL + "/orders"); err == nil {
				resp.Body.Close()
			}
		}
		step.Expect(assert.Operations().AtLeast(600), assert.ErrorRate().Between(0.1, 0.1))
	})
}
