package injector

import "time"

// WebSocket makes connections and messages of WebSocket fail. It acts on what
// follows a handshake; the handshake is a request, on which the other sections
// act. Pings and pongs pass untouched unless ControlFrames is set, and closes in
// any case.
//
// A message that is fragmented is one message. Its fate is decided at its first
// frame: the first of drop, corruption and truncation hides the others, and a
// drop hides a delay. An empty message can neither be corrupted nor truncated.
// Messages are not compressed: the handshake does not offer it to the upstream.
type WebSocket struct {
	Enabled *bool

	CloseCodes         []int    // close_codes: 1000–4999 but 1004–1006 and 1015, chosen uniformly. Default (nil): 1011; empty: none
	Probability        *float64 // of closing a connection, 0–1, drawn once for each. Default: 0.1 where CloseCodes is set
	CloseReason        string   // close_reason, at most 123 bytes; more are cut off. Default: says which step injected it
	CloseAfterMessages [2]int   // close_after_messages: min and max, both included, at least 1, in both directions together, counted while the layer is on. Default (zero): 1 to 5

	MessageDropProbability       *float64         // of losing a message, 0–1. Default: none
	MessageCorruptionProbability *float64         // of a message with a wrong payload in valid frames, 0–1; a text stays valid UTF-8. Default: none
	MessageTruncationProbability *float64         // of a message that ends early, within its first frame and 4 KiB, 0–1. Default: none
	MessageDelay                 *time.Duration   // message_delay_ms: later messages of the direction queue behind. Default: none
	MessageDelayProbability      *float64         // 0–1. Default: 1 where MessageDelay is set
	Direction                    WebSocketTraffic // of the messages that are concerned. Default: Both
	ControlFrames                bool             // control_frames: drop and delay pings and pongs too
	Paths                        []string         // of the handshake, as in RequestMatcher. Default: all
	Sampling                     Sampling         // Default: Exact
}

// WebSocketTraffic is which messages are concerned.
type WebSocketTraffic string

const (
	Both         WebSocketTraffic = "both"
	FromClient   WebSocketTraffic = "upstream"   // that the client sends
	FromUpstream WebSocketTraffic = "downstream" // that the client receives
)

// maxCloseReason is how many bytes of a reason fit into a close frame.
const maxCloseReason = maxControl - 2

// ValidCloseCode reports whether a close frame may carry the code: 1000–4999,
// without those that only stand for what happened without a close frame.
func ValidCloseCode(code int) bool {
	switch code {
	case 1004, 1005, 1006, 1015:
		return false
	}
	return code >= 1000 && code <= 4999
}

// codes are the codes that closes choose from.
func (w *WebSocket) codes() []int {
	if w.CloseCodes == nil {
		return []int{1011}
	}
	var out []int
	for _, code := range w.CloseCodes {
		if ValidCloseCode(code) {
			out = append(out, code)
		}
	}
	return out
}

func (w *WebSocket) effects() []Effect {
	var out []Effect
	add := func(kind string, mentioned bool, p *float64, otherwise float64) {
		e := Effect{Section: "websocket", Kind: kind, Probability: clamp(or(p, otherwise), 0, 1), Sampling: w.Sampling.orDefault()}
		if mentioned && e.Probability > 0 {
			out = append(out, e)
		}
	}
	add(KindWebSocketClose, (w.CloseCodes != nil || w.Probability != nil) && len(w.codes()) > 0, w.Probability, 0.1)
	add(KindMessageDrop, true, w.MessageDropProbability, 0)
	add(KindMessageCorruption, true, w.MessageCorruptionProbability, 0)
	add(KindMessageTruncation, true, w.MessageTruncationProbability, 0)
	add(KindMessageDelay, or(w.MessageDelay, 0) > 0, w.MessageDelayProbability, 1)
	return out
}
