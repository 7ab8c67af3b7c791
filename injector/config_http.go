package injector

import "time"

// A Dribble sends a response's body in pieces, evenly spaced.
type Dribble struct {
	NumberOfChunks int           // number_of_chunks, ≥ 1
	TotalDuration  time.Duration // total_duration_ms
	Probability    *float64      // 0–1. Default: 1
}

// A Rewrite changes an upstream's response.
type Rewrite struct {
	Status        int               // Default (0): the upstream's
	SetHeaders    map[string]string // set_headers
	RemoveHeaders []string          // remove_headers
	Body          *string           // Default: the upstream's
	Probability   *float64          // 0–1. Default: 1
}

// A Schedule says when in a step a section acts. What it leaves out draws
// nothing.
type Schedule struct {
	Type string // first, every, window or ramp

	Count    int           // first: the first so many requests of a rule; every: each so many-th one, the first of them included
	From, To time.Duration // from_ms, to_ms: window, from the layer's start; To 0: to its end
	Period   time.Duration // period_ms: window: the window comes again so often. Default: once
	Start    *float64      // start: ramp: the share of each probability at the beginning of the step, 0–1. Default: 0
	End      *float64      // end: ramp: at the end of the step, 0–1. Default: 1
}
