package injector

import "time"

// TCP breaks connections and their bytes, by the names and with the meanings of
// toxiproxy. It acts on targets of kind tcp, see Injector.Relay.
//
// Bytes pass the toxics of their stream in order, and the layers in theirs. A
// toxic acts on connections that are open when its layer goes on, from then on;
// its times count from then. When the layer goes, what it held goes on.
type TCP struct {
	Enabled *bool
	Toxics  []Toxic // in the order in which bytes pass them
}

// A Toxic is one thing that goes wrong with a connection.
type Toxic struct {
	Name       string     // a label. Default: TYPE_STREAM
	Type       ToxicType  // required
	Stream     Stream     // Default: Downstream; refuse and down have none
	Toxicity   *float64   // of acting, 0–1, drawn once for each connection. Default: 1
	Per        ToxicScope // Default: PerConnection
	Protocol   string     // redis, postgres, kafka or lines: how messages are told apart, for PerMessage
	Attributes ToxicAttributes
	Sampling   Sampling // Default: Exact
}

// ToxicType is what a Toxic does.
type ToxicType string

const (
	ToxicLatency   ToxicType = "latency"    // latency ± jitter; up to 32 MiB are under way before the sender has to wait
	ToxicBandwidth ToxicType = "bandwidth"  // rate, shared by all connections of the target
	ToxicLoss      ToxicType = "loss"       // percent of chunks, seen as stalls of 200 ms to 30 s; 100 lets nothing through while the layer lasts
	ToxicSlowClose ToxicType = "slow_close" // the close comes delay later
	ToxicTimeout   ToxicType = "timeout"    // nothing passes, and after timeout the connection closes; 0: it stays open while the layer lasts
	ToxicReset     ToxicType = "reset_peer" // after timeout the connection is reset; until then bytes pass
	ToxicClose     ToxicType = "close"      // after timeout the connection is closed, what is on its way first
	ToxicSlicer    ToxicType = "slicer"     // pieces of average_size ± size_variation, delay apart
	ToxicLimitData ToxicType = "limit_data" // closes after bytes; 0: instead of the first
	ToxicRefuse    ToxicType = "refuse"     // new connections are refused
	ToxicDown      ToxicType = "down"       // refuse, and those that are open are closed
)

// Stream is a direction of a connection.
type Stream string

const (
	Upstream   Stream = "upstream"   // from the client to the upstream
	Downstream Stream = "downstream" // from the upstream to the client
)

// ToxicScope is what Toxicity is drawn for.
type ToxicScope string

const (
	PerConnection ToxicScope = "connection"
	// PerMessage draws for each message of Protocol; for latency, timeout,
	// reset_peer and close only. A message that is hit is held back with all
	// that follows it: timeouts count from its first byte. What is not of the
	// protocol is drawn for chunk by chunk.
	PerMessage ToxicScope = "message"
)

// ToxicAttributes are what a Toxic's type needs, in toxiproxy's units in a
// document.
type ToxicAttributes struct {
	Latency       time.Duration // latency, in ms
	Jitter        time.Duration // jitter, in ms, ±
	Rate          int64         // rate, in KB/s (1,000 bytes)
	Percent       float64       // percent, 0–100: loss
	Delay         time.Duration // delay: slow_close in ms, slicer in µs
	Timeout       time.Duration // timeout, in ms
	AverageSize   int64         // average_size, in bytes
	SizeVariation int64         // size_variation, in bytes
	Bytes         int64         // bytes
}
