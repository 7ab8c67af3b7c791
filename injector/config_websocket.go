package injector

import "time"

// WebSocket makes connections and messages of WebSocket fail. It acts on what
// follows a handshake; the handshake is a request, on which the other sections
// act. Pings, pongs and closes pass untouched unless ControlFrames is set.
type WebSocket struct {
	Enabled *bool

	CloseCodes         []int    // close_codes: 1000–4999, chosen uniformly. Default (nil): 1011; empty: none
	Probability        *float64 // of closing a connection, 0–1, drawn once for each. Default: 0.1 where CloseCodes is set
	CloseReason        string   // close_reason, at most 123 bytes. Default: says which step injected it
	CloseAfterMessages [2]int   // close_after_messages: min and max, both included, in both directions together. Default (zero): 1 to 5

	MessageDropProbability       *float64         // of losing a message, 0–1. Default: none
	MessageCorruptionProbability *float64         // of a message with a wrong payload in valid frames, 0–1. Default: none
	MessageTruncationProbability *float64         // of a message that ends early, in valid frames, 0–1. Default: none
	MessageDelay                 *time.Duration   // message_delay_ms. Default: none
	MessageDelayProbability      *float64         // 0–1. Default: 1 where MessageDelay is set
	Direction                    WebSocketTraffic // Default: Both
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
