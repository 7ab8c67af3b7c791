package orchestrator

import "github.com/mockforge-go/mockforge/injector"

// httpFields are those of fault_injection that go beyond the documented ones.
func httpFields() []field[injector.FaultInjection] {
	type faults = injector.FaultInjection
	return []field[faults]{
		{name: "retry_after_seconds", def: "no Retry-After", doc: "Retry-After of injected HTTP errors, rounded up to whole seconds.",
			bind: func(f *faults) codec { return optional(&f.RetryAfter, seconds) }},
		{name: "chunked_dribble_delay", def: "none", doc: "Sends the response's body in pieces, evenly spaced.",
			bind: func(f *faults) codec { return section(&f.Dribble, dribbleFields()) }},
		{name: "response_rewrite", def: "none", doc: "Changes the upstream's response.",
			bind: func(f *faults) codec { return section(&f.Rewrite, rewriteFields()) }},
		{name: "max_active_faults", def: "no limit", doc: "How many requests may have a fault of this section in progress at once, for each target. Above it faults are masked.",
			bind: func(f *faults) codec { return maybeInteger(&f.MaxActiveFaults, notNegative) }},
		{name: "override_headers", def: "false", doc: "Let requests ask for faults by headers, see [Faults that a request asks for](#faults-that-a-request-asks-for).",
			bind: func(f *faults) codec { return flag(&f.OverrideHeaders) }},
		{name: "schedule", def: "always", doc: scheduleDoc,
			bind: func(f *faults) codec { return section(&f.Schedule, scheduleFields()) }},
	}
}

const scheduleDoc = "When in the step the section acts. What it leaves out draws nothing."

func dribbleFields() []field[injector.Dribble] {
	type dribble = injector.Dribble
	return []field[dribble]{
		{name: "number_of_chunks", required: true, doc: "How many pieces. Of a body of unknown length each write of the upstream is one.",
			bind: func(d *dribble) codec { return integer(&d.NumberOfChunks, fromOne) }},
		{name: "total_duration_ms", required: true, doc: "From the response's header to its last piece.",
			bind: func(d *dribble) codec { return positiveMillis(&d.TotalDuration) }},
		{name: "probability", def: "1", doc: "Of a response that dribbles.",
			bind: func(d *dribble) codec { return maybe(&d.Probability, probability) }},
	}
}

func rewriteFields() []field[injector.Rewrite] {
	type rewrite = injector.Rewrite
	return []field[rewrite]{
		{name: "status", def: "the upstream's", doc: "The status code. With one that has no body, the body goes.",
			bind: func(w *rewrite) codec { return integer(&w.Status, statusCodes) }},
		{name: "set_headers", def: "none", doc: "Header fields to set, in place of any that are there.",
			bind: func(w *rewrite) codec { return dict(&w.SetHeaders, scalar) }},
		{name: "remove_headers", def: "none", doc: "Header fields to take off, before the others are set.",
			bind: func(w *rewrite) codec { return list(&w.RemoveHeaders, true, name) }},
		{name: "body", def: "the upstream's", doc: "The body. The headers that said something of the upstream's body go, and so do trailers; a 206 becomes a 200, unless `status` says otherwise.",
			bind: func(w *rewrite) codec { return optional(&w.Body, text) }},
		{name: "probability", def: "1", doc: "Of changing a response.",
			bind: func(w *rewrite) codec { return maybe(&w.Probability, probability) }},
	}
}

func scheduleFields() []field[injector.Schedule] {
	type schedule = injector.Schedule
	return []field[schedule]{
		{name: "type", required: true, doc: "first: the first requests; every: each so many-th one, the first of them included; window: those that come in a window of time; ramp: all, with probabilities that change over the step.",
			bind: func(s *schedule) codec { return word(&s.Type, nil, "first", "every", "window", "ramp") }},
		{name: "count", doc: "first, every: how many.",
			bind: func(s *schedule) codec { return integer(&s.Count, fromOne) }},
		{name: "from_ms", def: "0", doc: "window: its beginning, from when the step's faults go on.",
			bind: func(s *schedule) codec { return millis(&s.From) }},
		{name: "to_ms", def: "the period's end, or the step's", doc: "window: its end.",
			bind: func(s *schedule) codec { return millis(&s.To) }},
		{name: "period_ms", def: "once", doc: "window: it comes again so often.",
			bind: func(s *schedule) codec { return millis(&s.Period) }},
		{name: "start", def: "0", doc: "ramp: the share of each probability at the beginning of the step.",
			bind: func(s *schedule) codec { return maybe(&s.Start, probability) }},
		{name: "end", def: "1", doc: "ramp: the share at the end of the step. The standing config of a server, which has no end, has it from the beginning.",
			bind: func(s *schedule) codec { return maybe(&s.End, probability) }},
	}
}
