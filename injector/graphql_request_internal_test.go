package injector

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzGraphQLRequest: whatever a client sends, reading ends, and a request that
// is understood can be told of and recalled.
func FuzzGraphQLRequest(f *testing.F) {
	f.Add([]byte(`{"query":"query Cart { a b }","operationName":"Cart","variables":{"id":1}}`))
	f.Add([]byte(`[{"query":"{ a }"},{"extensions":{"persistedQuery":{"version":1}},"operationName":"Pay"},{"query":"mutation Pay { a }"}]`))
	f.Add([]byte(`{"query":{"match_all":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q := jsonOperations(body)
		if q == nil {
			return
		}
		require.NotEmpty(t, q.ops)
		if q.batch {
			require.Len(t, q.entries, len(q.ops))
		}
		again := recalled(q.text(), q.topFields())
		require.Equal(t, q.ops, again.ops)
	})
}

func TestMatchName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"Cart", "Cart", true}, {"Cart", "cart", false}, {"Cart", "CartItems", false}, {"Cart*", "CartItems", true}, {"Cart*", "Cart", true},
		{"*", "", true}, {"*", "Any", true}, {"Cart", "", false},
	} {
		require.Equal(t, c.want, matchName(c.pattern, c.name), "%s, %s", c.pattern, c.name)
	}
}
