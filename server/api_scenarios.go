package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// getScenarios lists the scenarios that were started.
func (c *control) getScenarios(w http.ResponseWriter, _ *http.Request) error {
	out := []json.RawMessage{}
	c.view(func(_ bool, s *standing) {
		for _, started := range s.started {
			var text bytes.Buffer
			if orchestrator.EncodeScenario(&text, started.Scenario, orchestrator.JSON) == nil {
				out = append(out, text.Bytes())
			}
		}
	})
	writeJSON(w, http.StatusOK, out)
	return nil
}

// NamedScenario is a scenario that can be started by its name.
type NamedScenario struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
}

// Scenarios lists the presets.
func Scenarios() []NamedScenario { return named(false) }

// NetworkProfiles lists the network profiles that came with the product.
func NetworkProfiles() []NamedScenario { return named(true) }

func named(profiles bool) (out []NamedScenario) {
	for _, p := range injector.Presets() {
		if p.Profile == profiles {
			out = append(out, NamedScenario{p.Name, p.Description, p.Tags})
		}
	}
	return out
}

// listed is the names in a row, for a sentence.
func listed(of []NamedScenario) string {
	var names []string
	for _, s := range of {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

func (c *control) getPredefined(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, Scenarios())
	return nil
}

func (c *control) postScenario(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	sc, err := preset(name)
	if err != nil {
		return err
	}
	err = c.change(func(s *standing) error {
		s.start(*sc)
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Scenario '%s' started", name), c.notYet()})
	return nil
}

// preset is the scenario of that name.
func preset(name string) (*orchestrator.Scenario, error) {
	p, ok := injector.Preset(name)
	if !ok || p.Profile {
		return nil, refuse(http.StatusNotFound, "Scenario '%s' not found: there are %s", name, listed(Scenarios()))
	}
	return &orchestrator.Scenario{Name: p.Name, Description: p.Description, Tags: p.Tags, Config: &p.Config}, nil
}

func (c *control) deleteScenario(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	err := c.change(func(s *standing) error {
		if !s.stop(name) {
			return refuse(http.StatusNotFound, "Scenario '%s' not found or not running", name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{Message: fmt.Sprintf("Scenario '%s' stopped", name)})
	return nil
}

func (c *control) deleteScenarios(w http.ResponseWriter, _ *http.Request) error {
	err := c.change(func(s *standing) error {
		s.started = nil
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{Message: "All scenarios stopped"})
	return nil
}
