package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A knob is a call that sets some fields of a protocol's section, and leaves
// the others as they are.
type knob struct {
	path    string // below /protocols
	section string
	fields  []knobField // the first one must be there
	done    func(value json.RawMessage) string
}

// A knobField is a field of a knob's body and the one of the section.
type knobField struct{ body, section string }

func says(message string) func(json.RawMessage) string {
	return func(json.RawMessage) string { return message }
}

func knobs() []knob {
	codes := func(list string) []knobField { return []knobField{{list, list}, {"probability", "probability"}} }
	one := func(body, section string) []knobField { return []knobField{{body, section}} }
	return []knob{
		{"/grpc/status-codes", "grpc", codes("status_codes"), says("gRPC status codes configured")},
		{"/grpc/stream-interruption", "grpc", one("probability", "stream_interruption_probability"), says("gRPC stream interruption configured")},
		{"/websocket/close-codes", "websocket", codes("close_codes"), says("WebSocket close codes configured")},
		{"/websocket/message-drop", "websocket", one("probability", "message_drop_probability"), says("WebSocket message drop configured")},
		{"/websocket/message-corruption", "websocket", one("probability", "message_corruption_probability"), says("WebSocket message corruption configured")},
		{"/graphql/error-codes", "graphql", codes("error_codes"), says("GraphQL error codes configured")},
		{"/graphql/partial-data", "graphql", one("probability", "partial_data_probability"), says("GraphQL partial data configured")},
		{"/graphql/resolver-latency", "graphql", one("enabled", "resolver_latency"), func(value json.RawMessage) string {
			if string(value) == "true" {
				return "GraphQL resolver latency enabled"
			}
			return "GraphQL resolver latency disabled"
		}},
	}
}

// postKnob sets the fields of a knob. As with PUT of a section, null removes a
// field, and a section that is not there is made.
func (c *control) postKnob(k knob) func(http.ResponseWriter, *http.Request) error {
	at := slices.IndexFunc(sections, func(s section) bool { return s.name == k.section })
	s := sections[at]
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readValid(r)
		if err != nil {
			return err
		}
		patch, err := k.read(body)
		if err != nil {
			return err
		}
		var warnings []orchestrator.Problem
		err = c.change(func(st *standing) error {
			merged, w, err := patched(s, st.config(), patch)
			if err != nil {
				return err
			}
			warnings = withoutPlaces(w)
			if switchedOff(s, merged) {
				warnings = append(warnings, orchestrator.Problem{Path: s.name, Message: fmt.Sprintf(
					`the section is switched off: it takes effect after PUT %s/config/%s {"enabled": true}`, apiPrefix, s.path)})
			}
			st.set(s, merged)
			return nil
		})
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, Message{k.done(patch[k.fields[0].section]), append(warnings, c.notYet()...)})
		return nil
	}
}

// read is the body as a patch of the section. What is wrong with it is found
// where its author wrote it, by the rules of documents.
func (k knob) read(body []byte) (map[string]json.RawMessage, error) {
	members, ok := membersOf(body)
	if !ok {
		return nil, invalid(orchestrator.Problem{Line: 1, Column: 1, Message: "must be a JSON object with " + k.takes()})
	}
	patch := map[string]json.RawMessage{}
	var problems []orchestrator.Problem
	for _, m := range members {
		i := slices.IndexFunc(k.fields, func(f knobField) bool { return f.body == m.key })
		problem := orchestrator.Problem{Path: m.key}
		problem.Line, problem.Column = lineAndColumn(body, m.keyAt)
		switch {
		case i < 0:
			problem.Message = "unknown field: this call takes " + k.takes()
			problems = append(problems, problem)
		case patch[k.fields[i].section] != nil:
			problem.Message = "duplicate key"
			problems = append(problems, problem)
		default:
			patch[k.fields[i].section] = m.value
			problems = append(problems, k.check(k.fields[i], body, m)...)
		}
	}
	if first := k.fields[0]; patch[first.section] == nil {
		problems = append(problems, orchestrator.Problem{Line: 1, Column: 1, Message: first.body + " is missing"})
	}
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	return patch, nil
}

func (k knob) takes() string {
	var names []string
	for _, f := range k.fields {
		names = append(names, f.body)
	}
	return strings.Join(names, " and ")
}

// check holds one value to the rules of its field in a document.
func (k knob) check(f knobField, body []byte, m member) []orchestrator.Problem {
	before := fmt.Sprintf("{%q:{%q:", k.section, f.section)
	_, _, err := orchestrator.ParseConfig(slices.Concat([]byte(before), m.value, []byte("}}")), orchestrator.JSON)
	found, ok := errors.AsType[*orchestrator.InvalidError](err)
	if !ok {
		return nil
	}
	line, column := lineAndColumn(body, m.valueAt)
	problems := moved(found.Problems, before, line, column)
	for i, p := range problems {
		problems[i].Path = f.body + strings.TrimPrefix(p.Path, k.section+"."+f.section)
	}
	return problems
}

func invalid(problems ...orchestrator.Problem) error {
	return &orchestrator.InvalidError{Problems: problems}
}

// A member of a JSON object, and where in the text it stands.
type member struct {
	key            string
	value          json.RawMessage
	keyAt, valueAt int // offsets in bytes
}

// membersOf are the members of an object in their order, duplicates included.
// It reports false for valid JSON that is no object.
func membersOf(body []byte) (members []member, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		var m member
		before := int(d.InputOffset())
		m.keyAt = before + bytes.IndexByte(body[before:], '"')
		key, _ := d.Token() // the body is valid
		m.key, _ = key.(string)
		_ = d.Decode(&m.value)
		m.valueAt = int(d.InputOffset()) - len(m.value)
		members = append(members, m)
	}
	return members, true
}

// lineAndColumn count from 1; columns in characters.
func lineAndColumn(text []byte, offset int) (line, column int) {
	before := text[:offset]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// switchedOff reports whether a section is there and says that it is off.
func switchedOff(s section, c injector.Config) bool {
	var text bytes.Buffer
	var view map[string]json.RawMessage
	var own struct{ Enabled *bool }
	if orchestrator.EncodeConfig(&text, c, orchestrator.JSON) == nil {
		_ = json.Unmarshal(text.Bytes(), &view) // it was written just now
		_ = json.Unmarshal(view[s.name], &own)  // a section that is absent says nothing
	}
	return own.Enabled != nil && !*own.Enabled
}
