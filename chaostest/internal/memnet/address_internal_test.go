package memnet

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamedHostsHaveAddressesOfTheirOwn(t *testing.T) {
	t.Parallel()
	fresh := func() *hosts { return &hosts{byName: map[string]netip.Addr{}, taken: map[netip.Addr]bool{}} }
	h := fresh()
	within := netip.MustParsePrefix("127.64.0.0/10")
	// Both names hash to one address.
	first, second := h.lookup("orders-2948"), h.lookup("orders-29080")
	require.Equal(t, second, fresh().lookup("orders-29080").Next())
	require.NotEqual(t, first, second)
	for _, ip := range []netip.Addr{first, second} {
		require.True(t, within.Contains(ip), ip)
	}
	require.Equal(t, second, h.lookup("orders-29080"))
	require.Equal(t, first, fresh().lookup("orders-2948"), "in every run")
}
