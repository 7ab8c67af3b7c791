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
		if l.fails(o, msg) {
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

// fails draws for an operation that is sent, and answers it where it is hit.
func (l *socketLane) fails(o operation, msg graphqlMessage) bool {
	set := l.s.target.set.Load()
	for _, b := range l.graphqlRules(set, o) {
		rule, p := b.graphql, l.graphqlPassage(set, o)
		rule.sent.Add(1)
		ordinal, hit := p.failsSent(p.meet(b))
		if !hit {
			continue
		}
		l.tell(p, outcome{fault: KindGraphQLError, failed: true})
		payload := rule.fail(ordinal).entry(nil)
		if msg.Type == "subscribe" {
			payload = jsonList([][]byte{payload})
		}
		answer, _ := json.Marshal(graphqlMessage{msg.ID, "error", payload}) // it is made of JSON
		h := frameHead{fin: true, op: opText, length: int64(len(answer))}
		l.other().inject(append(h.append(nil), answer...))
		return true
	}
	return false
}

// failsSent draws for an operation that is sent.
func (p *passage) failsSent(s *stay) (ordinal uint64, hit bool) {
	rule := s.layer.graphql
	ordinal = rule.count.next()
	p.noteAsked(s, ruleOperations)
	if hit = rule.errors != nil && rule.errors.hit(ordinal); hit {
		p.hit(s, rule.errors, Decision{Kind: KindGraphQLError, Ordinal: ordinal})
	}
	return ordinal, hit
}

// losesData draws for a result that is delivered.
func (p *passage) losesData(s *stay) (ordinal uint64, hit bool) {
	rule := s.layer.graphql
	ordinal = rule.results.next()
	p.noteAsked(s, ruleResults)
	if hit = rule.partialResults.hit(ordinal); hit {
		p.hit(s, rule.partialResults, Decision{Kind: KindPartialData, Ordinal: ordinal})
	}
	return ordinal, hit
}

// nullsIn draws for a result that is delivered.
func (l *socketLane) nullsIn(text []byte, o operation) []byte {
	set := l.s.target.set.Load()
	for _, b := range l.graphqlRules(set, o) {
		rule := b.graphql
		if rule.partial == nil {
			continue
		}
		p := l.graphqlPassage(set, o)
		ordinal, hit := p.losesData(p.meet(b))
		if !hit {
			continue
		}
		l.tell(p, outcome{fault: KindPartialData})
		root := scanJSON(text)
		if root == nil {
			continue
		}
		if v := root.member("payload"); v != nil {
			d := partialDraw{rule: rule, ordinal: ordinal}
			if out := d.nulled(text[v.start:v.end:v.end]); out != nil {
				text = spliced(text, []splice{{v.start, v.end, out}})
			}
		}
	}
	return text
}

// graphqlRules are the layers in force that are about an operation.
func (l *socketLane) graphqlRules(set *layerSet, o operation) (out []*binding) {
	if set == nil || l.quiet {
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
