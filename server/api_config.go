package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

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
	config, warnings, err := readConfig(r)
	if err != nil {
		return err
	}
	if config.HasSection() || config.Enabled == nil {
		enabled := config.Enabled
		config.Enabled = nil
		c.change(func(s *standing) { s.replace(config) })
		config.Enabled = enabled
	}
	if config.Enabled != nil {
		c.setEnabled(*config.Enabled)
	}
	writeJSON(w, http.StatusOK, Message{"Configuration updated", warnings})
	return nil
}

func readConfig(r *http.Request) (config injector.Config, warnings []orchestrator.Problem, err error) {
	body, err := readBody(r)
	if err != nil {
		return config, nil, err
	}
	if !json.Valid(body) {
		return config, nil, badJSON(body)
	}
	return orchestrator.ParseConfig(body, orchestrator.JSON)
}

// badJSON says where a body stops being JSON.
func badJSON(body []byte) error {
	_, _, err := orchestrator.ParseConfig(body, orchestrator.JSON)
	message := "the body is not JSON"
	if invalid, ok := errors.AsType[*orchestrator.InvalidError](err); ok {
		message = "the body is not JSON: " + invalid.Error()
	}
	return &statusError{http.StatusBadRequest, message}
}

// putSection changes one section: what the body says, over what is in force
// (RFC 7396: null removes).
func (c *control) putSection(s section) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(r)
		if err != nil {
			return err
		}
		var patch map[string]json.RawMessage
		if json.Unmarshal(body, &patch) != nil {
			if !json.Valid(body) {
				return badJSON(body)
			}
			return &statusError{http.StatusBadRequest, "the body must be an object: the fields of " + s.name + " to change"}
		}
		var warnings []orchestrator.Problem
		c.change(func(st *standing) {
			var merged injector.Config
			merged, warnings, err = patched(s, st.config(), patch)
			if err == nil {
				st.set(s, merged)
			}
		})
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, Message{s.title + " configuration updated", warnings})
		return nil
	}
}

// patched is the config's section with the patch applied.
func patched(s section, config injector.Config, patch map[string]json.RawMessage) (injector.Config, []orchestrator.Problem, error) {
	// The patch is checked by itself first, so that its mistakes are named
	// where the caller made them.
	if _, _, err := orchestrator.ParseConfig(wrap(s, withoutNulls(patch)), orchestrator.JSON); err != nil {
		return injector.Config{}, nil, withoutPlaces(err)
	}
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
	merged, warnings, err := orchestrator.ParseConfig(wrap(s, now), orchestrator.JSON)
	return merged, warnings, withoutPlaces(err)
}

func withoutNulls(patch map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for key, value := range patch {
		if string(value) != "null" {
			out[key] = value
		}
	}
	return out
}

func wrap(s section, fields map[string]json.RawMessage) []byte {
	out, err := json.Marshal(map[string]any{s.name: fields})
	if err != nil {
		return nil // raw messages that were read as JSON
	}
	return out
}

// withoutPlaces leaves out the places of problems: they are those of a body that was
// put together here.
func withoutPlaces(err error) error {
	invalid, ok := errors.AsType[*orchestrator.InvalidError](err)
	if !ok {
		return err
	}
	out := &orchestrator.InvalidError{}
	for _, p := range invalid.Problems {
		p.Line, p.Column = 0, 0
		out.Problems = append(out.Problems, p)
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
