package injector

import (
	"encoding/json"
	"net/http"
	"slices"
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

// id is the message's id, however its text is escaped: the two ends need not
// write it alike.
func (m graphqlMessage) id() string {
	var text string
	if m.ID[0] != '"' || json.Unmarshal(m.ID, &text) != nil {
		return string(m.ID)
	}
	return `"` + text
}

// decideGraphQL is what becomes of a message, unless it is answered instead.
// s.mu is held.
func (l *socketLane) decideGraphQL(text []byte, subs map[string]operation) (out []byte, answered bool) {
	var msg graphqlMessage
	if json.Unmarshal(text, &msg) != nil || len(msg.ID) == 0 {
		return text, false
	}
	id := msg.id()
	switch {
	case l.up && (msg.Type == "subscribe" || msg.Type == "start"):
		var body graphqlBody
		if json.Unmarshal(msg.Payload, &body) != nil {
			return text, false
		}
		o, ok := body.operation()
		if !ok {
			return text, false
		}
		if l.answers(o, msg) {
			return nil, true
		}
		if len(subs) < maxSubscriptions {
			subs[id] = o
		}
	case msg.Type == "complete", msg.Type == "error", l.up && msg.Type == "stop":
		delete(subs, id)
	case !l.up && (msg.Type == "next" || msg.Type == "data"):
		if o, known := subs[id]; known {
			return l.nullsIn(text, o), false
		}
	}
	return text, false
}

// answers draws for an operation that is sent. It answers it where it is hit,
// and otherwise makes the message wait for the resolvers.
func (l *socketLane) answers(o operation, msg graphqlMessage) bool {
	set := l.s.target.set.Load()
	rules := l.graphqlRules(set, o)
	if len(rules) == 0 {
		return false
	}
	p := l.graphqlPassage(set, o)
	var end *graphqlError
	for _, b := range rules {
		b.graphql.sent.Add(1)
		if ordinal, hit := p.failsSent(p.meet(b)); hit {
			end = b.graphql.fail(ordinal)
			break
		}
	}
	p.resolves(o)
	if p.delay > 0 {
		l.ahead.delay, l.ahead.cutShort = p.delay, rules[0].cut
	}
	switch {
	case end != nil:
		l.tell(p, outcome{fault: KindGraphQLError, failed: true})
		l.reject(msg, end)
	case len(p.decisions) > 0:
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

// failsSent draws for an operation that is sent.
func (p *passage) failsSent(s *stay) (ordinal uint64, hit bool) {
	rule := s.layer.graphql
	ordinal = rule.count.next()
	p.noteAsked(s, ruleOperations)
	if hit = rule.errors != nil && rule.errors.hit(ordinal); hit {
		p.hit(s, rule.errors, Decision{Kind: KindGraphQLError, Ordinal: ordinal})
	}
	s.ops = append(s.ops, operationDraw{ordinal: ordinal, fails: hit})
	return ordinal, hit
}

// resolves decides how long the resolvers of an operation take, once it is known
// whether they are asked at all.
func (p *passage) resolves(o operation) {
	over := slices.ContainsFunc(p.stays, func(s stay) bool {
		return slices.ContainsFunc(s.ops, func(op operationDraw) bool { return op.fails })
	})
	for i := range p.stays {
		s := &p.stays[i]
		rule := s.layer.graphql
		if rule == nil || rule.resolver == nil {
			continue
		}
		for _, op := range s.ops {
			d := Decision{Kind: KindResolverLatency, Ordinal: op.ordinal}
			if over {
				p.hide(s, rule.resolver, d)
				continue
			}
			d.Delay = rule.takes(o, s.binding.latency, op.ordinal)
			p.hit(s, rule.resolver, d)
			p.delay += d.Delay
		}
	}
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
		d := partialDraw{rule: rule, ordinal: ordinal}
		out := d.nulledResult(text)
		fault := ""
		if out != nil {
			text, fault = out, KindPartialData
		}
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
	p.graphql = &graphqlRequest{ops: []pending{{operation: o}}}
	p.operation = p.graphql.text()
	return p
}

// other is the other direction.
func (l *socketLane) other() *socketLane {
	if l == l.s.in {
		return l.s.out
	}
	return l.s.in
}
