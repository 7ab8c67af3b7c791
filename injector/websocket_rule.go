package injector

import (
	"slices"
	"time"
)

// A websocketRule decides which connections of a layer are closed, and which of
// their messages are lost, changed or late.
type websocketRule struct {
	paths    []string
	closes   *closeRule // nil: none
	up, down *messageRule
	delay    time.Duration
	controls bool // pings and pongs are dropped and delayed too
}

// A closeRule decides which connections are closed. A connection takes part
// once it has carried as many messages as were drawn for it.
type closeRule struct {
	seen        counter // connections
	after       uint64  // key of how many messages
	least, most int

	count  counter // connections that came so far
	hits   *sampler
	codes  []int
	choice uint64 // key of the choice among codes
	reason string
	mask   uint64 // key of the mask of the close frame that the upstream gets
}

// A messageRule decides about the messages of one direction.
type messageRule struct {
	messages, controls trafficRule
	noise, place       uint64 // keys of what is corrupted, and of where a message ends
}

// A trafficRule decides about messages, or about pings and pongs. A nil sampler
// is off.
type trafficRule struct {
	name                                string // among the layer's rules
	count                               counter
	drop, corruption, truncation, delay *sampler
}

// newWebSocketRule returns nil where the section cannot do anything.
func newWebSocketRule(w *WebSocket, layer string, key func(kind string) uint64) *websocketRule {
	effects := w.effects()
	if len(effects) == 0 {
		return nil
	}
	r := &websocketRule{paths: slices.Clone(w.Paths), delay: min(max(or(w.MessageDelay, 0), 0), maxDelay), controls: w.ControlFrames}
	if w.Direction != FromUpstream {
		r.up = newMessageRule(effects, w.ControlFrames, "up", func(kind string) uint64 { return key(kind + " up") })
	}
	if w.Direction != FromClient {
		r.down = newMessageRule(effects, w.ControlFrames, "down", func(kind string) uint64 { return key(kind + " down") })
	}
	for _, e := range effects {
		if e.Kind == KindWebSocketClose {
			r.closes = newCloseRule(w, e, layer, key)
		}
	}
	return r
}

func newCloseRule(w *WebSocket, e Effect, layer string, key func(kind string) uint64) *closeRule {
	r := &closeRule{
		after: key("after"), hits: newSampler(key(e.Kind), e.Probability, e.Sampling), codes: w.codes(), choice: key("code"),
		reason: w.CloseReason, mask: key("mask"),
	}
	if r.reason == "" {
		r.reason = "injected by " + layer
	}
	r.reason = r.reason[:len(r.reason)-overhang(r.reason)]
	r.least = max(w.CloseAfterMessages[0], 1)
	r.most = max(w.CloseAfterMessages[1], r.least)
	if w.CloseAfterMessages == [2]int{} {
		r.most = 5
	}
	return r
}

// overhang is how many bytes of a reason do not fit into a close frame without
// cutting a character in two.
func overhang(reason string) int {
	fits := min(len(reason), maxCloseReason)
	return len(reason) - (fits - cutShort([]byte(reason[:fits])))
}

func newMessageRule(effects []Effect, controls bool, direction string, key func(kind string) uint64) *messageRule {
	r := &messageRule{noise: key("noise"), place: key("place")}
	r.messages.name = "websocket " + direction
	r.controls.name = r.messages.name + " control"
	for _, e := range effects {
		s := newSampler(key(e.Kind), e.Probability, e.Sampling)
		var ofControls *sampler
		if controls {
			ofControls = newSampler(key(e.Kind+" control"), e.Probability, e.Sampling)
		}
		switch e.Kind {
		case KindMessageDrop:
			r.messages.drop, r.controls.drop = s, ofControls
		case KindMessageCorruption:
			r.messages.corruption = s
		case KindMessageTruncation:
			r.messages.truncation = s
		case KindMessageDelay:
			r.messages.delay, r.controls.delay = s, ofControls
		}
	}
	return r
}

// concerns reports whether the rule acts on connections whose handshake had
// that path.
func (r *websocketRule) concerns(path string) bool {
	return len(r.paths) == 0 || anyOf(r.paths, func(s string) bool { return matchPath(s, path) })
}

// of is the rule of one direction; nil where there is none.
func (r *websocketRule) of(up bool) *messageRule {
	if up {
		return r.up
	}
	return r.down
}

// messagesFor is after how many messages the connection with that ordinal takes
// part.
func (r *closeRule) messagesFor(ordinal uint64) int {
	return r.least + below(Mix(r.after, ordinal), r.most-r.least+1)
}

// draws counts messages of both directions.
func (r *websocketRule) draws() []Draw {
	var out []Draw
	if c := r.closes; c != nil {
		out = append(out, Draw{
			Kind: KindWebSocketClose, Probability: c.hits.probability, Sampling: c.hits.sampling,
			Requests: c.count.n.Load(), Injected: c.hits.injected.Load(), Masked: c.hits.masked.Load(),
		})
	}
	for _, k := range [...]struct {
		kind string
		of   func(*trafficRule) *sampler
	}{
		{KindMessageDrop, func(t *trafficRule) *sampler { return t.drop }},
		{KindMessageCorruption, func(t *trafficRule) *sampler { return t.corruption }},
		{KindMessageTruncation, func(t *trafficRule) *sampler { return t.truncation }},
		{KindMessageDelay, func(t *trafficRule) *sampler { return t.delay }},
	} {
		d := Draw{Kind: k.kind}
		for _, m := range []*messageRule{r.up, r.down} {
			if m == nil {
				continue
			}
			for _, t := range []*trafficRule{&m.messages, &m.controls} {
				if s := k.of(t); s != nil {
					d.Probability, d.Sampling = s.probability, s.sampling
					d.Requests += t.count.n.Load()
					d.Injected += s.injected.Load()
					d.Masked += s.masked.Load()
					d.Rules++
				}
			}
		}
		if d.Rules > 0 {
			out = append(out, d)
		}
	}
	return out
}
