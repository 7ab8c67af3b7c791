package orchestrator

import "github.com/mockforge-go/mockforge/injector"

func websocketFields() []field[injector.WebSocket] {
	type websocket = injector.WebSocket
	return []field[websocket]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(w *websocket) codec { return switched(&w.Enabled) }},
		{name: "close_codes", def: "[1011]", doc: "Codes to close connections with, each as likely as the others; not 1004–1006 and 1015, which no close frame may carry; [] is none.",
			bind: func(w *websocket) codec { return list(&w.CloseCodes, false, closeCode) }},
		{name: "probability", def: "0.1 where `close_codes` is set, else none", doc: "Of closing a connection; each draws once.",
			bind: func(w *websocket) codec { return maybe(&w.Probability, probability) }},
		{name: "close_reason", def: "injected by, and the step's name", doc: "What the close frame says, at most 123 bytes.",
			bind: func(w *websocket) codec { return closeReason(&w.CloseReason) }},
		{name: "close_after_messages", def: "[1, 5]", doc: "After how many messages a connection is closed, both ends included, in both directions together, counted while the step is in force.",
			bind: func(w *websocket) codec { return countSpan(&w.CloseAfterMessages) }},
		{name: "message_drop_probability", def: "none", doc: "Of losing a message.",
			bind: func(w *websocket) codec { return maybe(&w.MessageDropProbability, probability) }},
		{name: "message_corruption_probability", def: "none", doc: "Of a message with a wrong payload, in valid frames; a text stays valid UTF-8 unless it is compressed.",
			bind: func(w *websocket) codec { return maybe(&w.MessageCorruptionProbability, probability) }},
		{name: "message_truncation_probability", def: "none", doc: "Of a message that ends early, within its first frame and 4 KiB, as if it were whole.",
			bind: func(w *websocket) codec { return maybe(&w.MessageTruncationProbability, probability) }},
		{name: "message_delay_ms", def: "none", doc: "Delays messages; those behind a late one wait for it.",
			bind: func(w *websocket) codec { return maybeMillis(&w.MessageDelay) }},
		{name: "message_delay_probability", def: "1", doc: "Of delaying a message, where `message_delay_ms` is set.",
			bind: func(w *websocket) codec { return maybe(&w.MessageDelayProbability, probability) }},
		{name: "direction", def: string(injector.Both), doc: "Which messages are concerned: those that the client sends go upstream. A close concerns both ends.",
			bind: func(w *websocket) codec {
				return word(&w.Direction, nil, injector.Both, injector.FromClient, injector.FromUpstream)
			}},
		{name: "control_frames", def: "false", doc: "Drop and delay pings and pongs too.",
			bind: func(w *websocket) codec { return flag(&w.ControlFrames) }},
		{name: "paths", def: "any", doc: "Paths of the handshake, any of them, as in `request_matcher`.",
			bind: func(w *websocket) codec { return list(&w.Paths, true, pathPattern) }},
		{name: "sampling", def: string(injector.Exact), doc: "exact: as many of every 20 messages of a direction as the probability says, at seeded places; bernoulli: a draw for each message.",
			bind: func(w *websocket) codec { return sampling(&w.Sampling) }},
	}
}

// closeCode is a code that a close frame may carry.
func closeCode(into *int) codec {
	return closeCodeCodec{integerCodec[int]{into, limits{1000, 4999, false}}}
}

type closeCodeCodec struct{ integerCodec[int] }

func (c closeCodeCodec) decode(d *decoder, n *node, path string) {
	problems := len(d.problems)
	c.integerCodec.decode(d, n, path)
	if len(d.problems) == problems && !injector.ValidCloseCode(*c.into) {
		d.fail(n.place, path, "", "%d must not be sent: it says what happened without a close frame", *c.into)
	}
}

// maxCloseReason is how many bytes of a reason fit into a close frame.
const maxCloseReason = 123

// closeReason is a text that fits into a close frame.
func closeReason(into *string) codec { return closeReasonCodec{textCodec[string]{into: into}} }

type closeReasonCodec struct{ textCodec[string] }

func (c closeReasonCodec) decode(d *decoder, n *node, path string) {
	problems := len(d.problems)
	c.textCodec.decode(d, n, path)
	if size := len(*c.into); len(d.problems) == problems && size > maxCloseReason {
		d.fail(n.place, path, "", "has %d bytes: a close frame holds at most %d", size, maxCloseReason)
	}
}
