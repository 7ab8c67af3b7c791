package injector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

func TestEffectsOfToxics(t *testing.T) {
	t.Parallel()
	none, some := 0.0, 0.25
	config := injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{
		{Type: injector.ToxicLatency, Toxicity: &some, Attributes: attributes{Latency: time.Second}},
		{Type: injector.ToxicLoss, Sampling: injector.Bernoulli, Attributes: attributes{Percent: 12.5}},
		{Type: injector.ToxicReset},
		{Type: injector.ToxicReset, Toxicity: &none}, // the rest can do nothing
		{Type: injector.ToxicLatency},
		{Type: injector.ToxicBandwidth},
		{Type: injector.ToxicLoss},
		{Type: injector.ToxicSlicer},
		{Type: injector.ToxicSlowClose},
		{Type: "noise"},
	}}}
	require.Equal(t, []injector.Effect{
		{Section: "tcp", Kind: injector.KindTCPLatency, Probability: 0.25, Sampling: injector.Exact},
		{Section: "tcp", Kind: injector.KindTCPLoss, Probability: 0.125, Sampling: injector.Bernoulli},
		{Section: "tcp", Kind: injector.KindTCPReset, Probability: 1, Sampling: injector.Exact},
	}, config.Effects())

	in := injector.New()
	in.Apply(injector.Layer{Name: "wire", Config: config})
	var kinds []string
	for _, d := range in.Draws(injector.LayerRef{Name: "wire"}) {
		kinds = append(kinds, d.Kind)
	}
	require.Equal(t, []string{injector.KindTCPLatency, injector.KindTCPLoss, injector.KindTCPReset}, kinds)

	config.TCP.Enabled = new(false)
	require.Empty(t, config.Effects())
}

// What a connection draws of HTTP's faults is masked: it has no response.
func TestPartialResponsesOfAConnectionAreMasked(t *testing.T) {
	t.Parallel()
	seen := &events{}
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(injector.WithObserver(seen))
		in.Apply(faults(injector.FaultInjection{PartialResponseProbability: new(1.0), PayloadCorruptionProbability: new(1.0)}))
		l := connect(in, 1)
		require.NoError(t, exchangeWith(l.client, l.upstream))
		require.NoError(t, l.hangUp())
	})
	require.Len(t, seen.requests[0].Decisions, 2)
	for _, d := range seen.requests[0].Decisions {
		require.True(t, d.Masked)
	}
}

// Two toxics of one kind and name draw by themselves.
func TestToxicsDrawByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		half := 0.5
		one := injector.Toxic{Type: injector.ToxicLatency, Toxicity: &half, Attributes: attributes{Latency: time.Second}}
		in.Apply(toxic(one, one))
		took := map[time.Duration]int{}
		for i := range 40 {
			l := connect(in, i+1)
			start := time.Now()
			require.NoError(t, exchangeWith(l.upstream, l.client))
			took[time.Since(start)]++
			require.NoError(t, l.hangUp())
		}
		require.Len(t, took, 3, "none, one or both: %v", took)
		require.Equal(t, 40, took[time.Second]+2*took[2*time.Second], "20 hits each")
	})
}
