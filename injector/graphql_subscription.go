package injector

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Subscriptions over WebSocket, in the protocol graphql-transport-ws and in the
// older one that is called graphql-ws on the wire.

// maxSubscriptions is how many operations of one connection are known at once.
const maxSubscriptions = 1000

// speaksGraphQL reports whether a handshake offers one of the protocols.
func speaksGraphQL(r *http.Request) bool {
	for _, v := range r.Header.Values("Sec-Websocket-Protocol") {
		for _, name := range strings.Split(v, ",") {
			if name = strings.TrimSpace(name); name == "graphql-transport-ws" || name == "graphql-ws" {
				return true
			}
		}
	}
	return false
}

// A graphqlMessage is a message of either protocol.
type graphqlMessage struct {
	ID      json.RawMessage `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// decideGraphQL is what becomes of a message: nil where it is answered
// instead. s.mu is held.
func (l *socketLane) decideGraphQL(text []byte, subs map[string]operation) []byte {
	var msg graphqlMessage
	if json.Unmarshal(text, &msg) != nil || len(msg.ID) == 0 {
		return text
	}
	id := string(msg.ID)
	switch {
	case l.up && (msg.Type == "subscribe" || msg.Type == "start"):
		var body graphqlBody
		if json.Unmarshal(msg.Payload, &body) != nil {
			return text
		}
		o, ok := body.operation()
		if !ok {
			return text
		}
		if l.answers(o, msg) {
			return nil
		}
		if len(subs) < maxSubscriptions {
			subs[id] = o
		}
	case msg.Type == "complete", msg.Type == "error", l.up && msg.Type == "stop":
		delete(subs, id)
	case !l.up && (msg.Type == "next" || msg.Type == "data"):
		if o, known := subs[id]; known {
			return l.nullsIn(text, o)
		}
	}
	return text
}

// answers draws for an operation that is sent. It answers it where it is hit,
// and otherwise makes the message wait for the resolvers.
func (l *socketLane) answers(o operation, msg graphqlMessage) bool {
	set := l.s.target.set.Load()
	var ordinals []uint64
	var end *graphqlError
	rules := l.graphqlRules(set, o)
	for _, b := range rules {
		ordinal := b.graphql.count.next()
		b.graphql.sent.Add(1)
		ordinals = append(ordinals, ordinal)
		if b.graphql.errors != nil && b.graphql.errors.hit(ordinal) {
			end = b.graphql.fail(ordinal)
			break
		}
	}
	if len(ordinals) == 0 {
		return false
	}
	p := l.graphqlPassage(set, o)
	fired := false
	for i, ordinal := range ordinals {
		b := rules[i]
		rule, s := b.graphql, p.meet(b)
		if end != nil && i == len(ordinals)-1 {
			fired = true
			p.hit(s, rule.errors, Decision{Kind: KindGraphQLError, Ordinal: ordinal})
		}
		if rule.resolver == nil {
			continue
		}
		fired = true
		d := Decision{Kind: KindResolverLatency, Ordinal: ordinal}
		if end != nil {
			p.hide(s, rule.resolver, d)
			continue
		}
		d.Delay = rule.takes(o, b.latency, ordinal)
		p.hit(s, rule.resolver, d)
		p.delay += d.Delay
		l.ahead.delay += d.Delay
		if l.ahead.cutShort == nil {
			l.ahead.cutShort = b.cut
		}
	}
	p.connects()
	switch {
	case end != nil:
		l.tell(p, outcome{fault: KindGraphQLError, failed: true})
		l.reject(msg, end)
	case fired:
		l.tell(p, outcome{})
	}
	return end != nil
}

// reject sends the client an error in place of what the upstream would say.
func (l *socketLane) reject(msg graphqlMessage, why *graphqlError) {
	payload := why.entry(nil)
	if msg.Type == "subscribe" {
		payload = jsonList([][]byte{payload})
	}
	answer, _ := json.Marshal(graphqlMessage{msg.ID, "error", payload}) // it is made of JSON
	h := frameHead{fin: true, op: opText, length: int64(len(answer))}
	l.other().inject(append(h.append(nil), answer...))
}

// nullsIn draws for a result that is delivered.
func (l *socketLane) nullsIn(text []byte, o operation) []byte {
	set := l.s.target.set.Load()
	for _, b := range l.graphqlRules(set, o) {
		rule := b.graphql
		if rule.partial == nil {
			continue
		}
		ordinal := rule.results.next()
		if !rule.partialResults.hit(ordinal) {
			continue
		}
		d := partialDraw{rule: rule, ordinal: ordinal}
		out := d.nulledResult(text)
		fault := ""
		if out != nil {
			text, fault = out, KindPartialData
		}
		p := l.graphqlPassage(set, o)
		p.hit(p.meet(b), rule.partialResults, Decision{Kind: KindPartialData, Ordinal: ordinal})
		p.connects()
		l.tell(p, outcome{fault: fault})
	}
	return text
}

// nulledResult is nulled for a message with a result.
func (d *partialDraw) nulledResult(text []byte) []byte {
	root := scanJSON(text)
	if !root.is(text, '{') {
		return nil
	}
	v := root.member("payload")
	if v == nil {
		return nil
	}
	out := d.nulled(text[v.start:v.end:v.end])
	if out == nil {
		return nil
	}
	return spliced(text, []splice{{v.start, v.end, out}})
}

// graphqlRules are the layers in force that are about an operation.
func (l *socketLane) graphqlRules(set *layerSet, o operation) (out []*binding) {
	if set == nil {
		return nil
	}
	for _, b := range set.bindings {
		if b.graphql != nil && !b.off.Load() && b.graphql.matches(o, l.s.path) {
			out = append(out, b)
		}
	}
	return out
}

// graphqlPassage is the way of a message of an operation through the layers.
func (l *socketLane) graphqlPassage(set *layerSet, o operation) *passage {
	p := l.passage(set)
	p.operation = (&graphqlRequest{ops: []pending{{operation: o}}}).text()
	return p
}

// other is the other direction.
func (l *socketLane) other() *socketLane {
	if l == l.s.in {
		return l.s.out
	}
	return l.s.in
}
