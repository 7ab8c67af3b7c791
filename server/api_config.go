package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// ConfigView is a config as the API shows it: every documented section, null
// where it is absent, and the master switch as enabled.
type ConfigView struct {
	Enabled        bool            `json:"enabled"`
	Latency        json.RawMessage `json:"latency"`
	FaultInjection json.RawMessage `json:"fault_injection"`
	RateLimit      json.RawMessage `json:"rate_limit"`
	TrafficShaping json.RawMessage `json:"traffic_shaping"`
	CircuitBreaker json.RawMessage `json:"circuit_breaker"`
	Bulkhead       json.RawMessage `json:"bulkhead"`
	GRPC           json.RawMessage `json:"grpc,omitempty"`
	WebSocket      json.RawMessage `json:"websocket,omitempty"`
	GraphQL        json.RawMessage `json:"graphql,omitempty"`
	TCP            json.RawMessage `json:"tcp,omitempty"`
}

func viewConfig(enabled bool, c injector.Config) (out ConfigView) {
	c.Enabled = nil
	var text bytes.Buffer
	if orchestrator.EncodeConfig(&text, c, orchestrator.JSON) == nil {
		_ = json.Unmarshal(text.Bytes(), &out) // it was written just now
	}
	out.Enabled = enabled
	return out
}

func (c *control) getConfig(w http.ResponseWriter, _ *http.Request) error {
	var out ConfigView
	c.view(func(enabled bool, s *standing) { out = viewConfig(enabled, s.config()) })
	writeJSON(w, http.StatusOK, out)
	return nil
}

// putConfig replaces the standing config. A body with nothing but enabled is
// the switch alone and keeps the sections.
func (c *control) putConfig(w http.ResponseWriter, r *http.Request) error {
	body, err := readValid(r)
	if err != nil {
		return err
	}
	config, warnings, err := orchestrator.ParseConfig(body, orchestrator.JSON)
	if err != nil {
		return err
	}
	if config.Enabled != nil && onlyKey(body, "enabled") {
		c.setEnabled(*config.Enabled)
	} else {
		c.put(config)
		warnings = append(warnings, c.notYet()...)
	}
	writeJSON(w, http.StatusOK, Message{"Configuration updated", warnings})
	return nil
}

// onlyKey reports whether an object has that key and no other, be it null.
func onlyKey(body []byte, key string) bool {
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(body, &keys) // the body was read already
	return len(keys) == 1 && keys[key] != nil
}

// notYet says why what was set has no effect for the time being.
func (c *control) notYet() (warnings []orchestrator.Problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.enabled:
		warnings = []orchestrator.Problem{{Message: "chaos is disabled: it takes effect after POST /api/chaos/enable"}}
	case c.inProgress():
		warnings = []orchestrator.Problem{{Message: fmt.Sprintf("orchestration %q is running: it takes effect when the run has ended", c.current.name)}}
	}
	return warnings
}

// putSection changes one section: each field of the body replaces the one in
// force as a whole, and null removes it.
func (c *control) putSection(s section) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readValid(r)
		if err != nil {
			return err
		}
		if err := checkPatch(s, body); err != nil {
			return err
		}
		var patch map[string]json.RawMessage
		if err := json.Unmarshal(body, &patch); err != nil {
			return err // it was checked
		}
		var warnings []orchestrator.Problem
		err = c.change(func(st *standing) error {
			merged, w, err := patched(s, st.config(), patch)
			if err != nil {
				return err
			}
			warnings = w
			st.set(s, merged)
			return nil
		})
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, Message{s.title + " configuration updated", append(withoutPlaces(warnings), c.notYet()...)})
		return nil
	}
}

// checkPatch finds what is wrong with a patch by itself, where its author wrote
// it.
func checkPatch(s section, body []byte) error {
	before := fmt.Sprintf("{%q:", s.name)
	if string(bytes.TrimSpace(body)) == "null" { // a section that is null is none, a patch that is would do nothing
		return invalid(orchestrator.Problem{Line: 1, Column: 1, Path: s.name, Message: "must be a mapping, not null"})
	}
	_, _, err := orchestrator.ParseConfig(slices.Concat([]byte(before), body, []byte("}")), orchestrator.JSON)
	found, ok := errors.AsType[*orchestrator.InvalidError](err)
	if !ok {
		return err
	}
	return invalid(moved(found.Problems, before, 1, 1)...)
}

// moved are the problems of a text that begins with before, placed in the one
// from which the rest was taken, at that line and column.
func moved(problems []orchestrator.Problem, before string, line, column int) []orchestrator.Problem {
	out := slices.Clone(problems)
	for i, p := range out {
		if p.Line == 1 {
			out[i].Column = column + max(0, p.Column-1-len(before))
		}
		out[i].Line += line - 1
	}
	return out
}

// patched is the config's section with the patch applied.
func patched(s section, config injector.Config, patch map[string]json.RawMessage) (injector.Config, []orchestrator.Problem, error) {
	var whole map[string]map[string]json.RawMessage
	var only injector.Config
	s.copy(&only, config)
	var text bytes.Buffer
	if err := orchestrator.EncodeConfig(&text, only, orchestrator.JSON); err != nil {
		return injector.Config{}, nil, err
	}
	if err := json.Unmarshal(text.Bytes(), &whole); err != nil {
		return injector.Config{}, nil, err
	}
	now := whole[s.name]
	if now == nil {
		now = map[string]json.RawMessage{}
	}
	for key, value := range patch {
		if string(value) == "null" {
			delete(now, key)
			continue
		}
		now[key] = value
	}
	document, err := json.Marshal(map[string]any{s.name: now})
	if err != nil {
		return injector.Config{}, nil, err
	}
	merged, warnings, err := orchestrator.ParseConfig(document, orchestrator.JSON)
	if invalid, ok := errors.AsType[*orchestrator.InvalidError](err); ok {
		err = &orchestrator.InvalidError{Problems: withoutPlaces(invalid.Problems)}
	}
	return merged, warnings, err
}

// withoutPlaces leaves out the places of problems: they are those of a document
// that was put together here.
func withoutPlaces(problems []orchestrator.Problem) []orchestrator.Problem {
	out := slices.Clone(problems)
	for i := range out {
		out[i].Line, out[i].Column = 0, 0
	}
	return out
}

func (c *control) postEnable(w http.ResponseWriter, _ *http.Request) error {
	c.setEnabled(true)
	writeJSON(w, http.StatusOK, Message{Message: "Chaos engineering enabled"})
	return nil
}

func (c *control) postDisable(w http.ResponseWriter, _ *http.Request) error {
	c.setEnabled(false)
	writeJSON(w, http.StatusOK, Message{Message: "Chaos engineering disabled"})
	return nil
}

func (c *control) postReset(w http.ResponseWriter, _ *http.Request) error {
	c.reset()
	writeJSON(w, http.StatusOK, Message{Message: "Chaos configuration reset"})
	return nil
}
