package injector

// effects lists what the section can do by itself. Besides, it translates what
// the other sections of its Config answer.
func (g *GraphQL) effects() []Effect {
	var out []Effect
	add := func(on bool, kind string, p *float64, sampling Sampling) {
		if e := (Effect{Section: "graphql", Kind: kind, Probability: clamp(or(p, 0.1), 0, 1), Sampling: sampling}); on && e.Probability > 0 {
			out = append(out, e)
		}
	}
	add(g.ErrorsOn(), KindGraphQLError, g.Probability, g.Sampling.orDefault())
	add(g.ResolverLatency != nil && *g.ResolverLatency && or(g.ResolverDelay, 1) > 0, KindResolverLatency, new(1.0), "")
	add(g.PartialDataProbability != nil || len(g.PartialDataPaths) > 0, KindPartialData, g.PartialDataProbability, g.Sampling.orDefault())
	return out
}

// ErrorsOn reports whether errors are on: they are mentioned, by their codes or
// their probability, and there is a code to answer with.
func (g *GraphQL) ErrorsOn() bool {
	return (g.ErrorCodes != nil || g.Probability != nil) && len(g.codes()) > 0
}

// codes are what errors choose from.
func (g *GraphQL) codes() []string {
	if g.ErrorCodes == nil {
		return []string{codeInternal}
	}
	return g.ErrorCodes
}
