package orchestrator

import "github.com/mockforge-go/mockforge/injector"

// answers reports whether one of the sections that act answers requests by
// itself: then a section for GraphQL has something to translate.
func answers(effective map[string]bool) bool {
	return effective["fault_injection"] || effective["rate_limit"] || effective["circuit_breaker"] || effective["bulkhead"]
}

func (c *checker) warnGraphQL(g *injector.GraphQL, path string) {
	if g == nil || !on(g.Enabled) {
		return
	}
	if g.ErrorCodes != nil && len(g.ErrorCodes) == 0 && g.Probability != nil && *g.Probability > 0 {
		c.warnAt(NoEffect, join(path, "error_codes"), "", "is empty: probability has nothing to choose from")
	}
	if g.ResolverDelay != nil && !(g.ResolverLatency != nil && *g.ResolverLatency) {
		c.warnAt(NoEffect, join(path, "resolver_delay_ms"), "resolver_latency: true", "is ignored, because resolver_latency is not true")
	}
	if len(g.PartialDataPaths) > 0 && g.PartialDataProbability != nil && *g.PartialDataProbability == 0 {
		c.warnAt(NoEffect, join(path, "partial_data_paths"), "", "is ignored, because partial_data_probability is 0")
	}
}
