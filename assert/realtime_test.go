package assert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
)

// Nobody reads the nanoseconds of a real clock.
func TestRealTimeIsRounded(t *testing.T) {
	t.Parallel()
	const length = 7_999_600_126 * time.Nanosecond
	c := assert.NewCollector(assert.CollectorOptions{Duration: length})
	for i := range 2000 {
		c.Operation(assert.Operation{N: i + 1, At: time.Duration(i) * 3_999_871, Failed: i%3 == 0, Error: "no"})
	}
	c.State(assert.ServerSide, "payments", 0, "closed")
	c.State(assert.ServerSide, "payments", 3_123_456_789, "open")
	r := c.Snapshot(length)
	v := assert.MustParse("error_rate <= 1%").Check(r)
	require.Contains(t, strings.Join(v.Detail, "\n"), "0s–8s")
	require.Equal(t, "open at +3.123s", assert.MustParse("circuit_breaker.payments never open").Check(r).Got)
}
