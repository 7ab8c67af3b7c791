package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func (c *control) postImport(w http.ResponseWriter, r *http.Request) error {
	var body importBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	format, err := body.format()
	if err != nil {
		return err
	}
	o, warnings, err := orchestrator.Parse([]byte(body.Content), format)
	if err != nil {
		return err
	}
	kept := imported{
		Name: o.Name, Description: o.Description, Tags: append([]string{}, o.Tags...), Steps: len(o.Steps), At: time.Now().UTC(),
		Document: []byte(body.Content), Format: format,
	}
	if err := c.store.putImport(kept); err != nil {
		return whileKeeping(err, "orchestrations")
	}
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Orchestration '%s' imported successfully (%d steps)", o.Name, len(o.Steps)), warnings})
	return nil
}

// Started is what starting an orchestration answers.
type Started struct {
	Message  string                 `json:"message"`
	ID       string                 `json:"id"`   // of the run, for its history
	Seed     string                 `json:"seed"` // of every decision
	Warnings []orchestrator.Problem `json:"warnings,omitempty"`
}

// postStart starts a document, or one that was imported where the body has a
// name and no steps.
func (s *Server) postStart(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	o, warnings, seed, err := s.control.document(body)
	if err != nil {
		return err
	}
	if err := s.adopt(o); err != nil {
		return err
	}
	run, err := s.control.startRun(o, seed)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Started{
		Message: fmt.Sprintf("Orchestration '%s' started successfully", o.Name), ID: run.id,
		Seed: orchestrator.FormatSeed(run.run.Seed()), Warnings: warnings,
	})
	return nil
}

// document is what the body of a start means: a name and nothing but a seed is
// an import, everything else a document.
func (c *control) document(body []byte) (o *orchestrator.Orchestration, warnings []orchestrator.Problem, seed *uint64, err error) {
	var fields map[string]json.RawMessage
	var name string
	_ = json.Unmarshal(body, &fields) // what is no object is a document with problems
	_ = json.Unmarshal(fields["name"], &name)
	rest := len(fields) - 1
	if fields["seed"] != nil {
		rest--
	}
	if name == "" || rest > 0 {
		o, warnings, err = orchestrator.Parse(body, orchestrator.JSON)
		if invalid, ok := errors.AsType[*orchestrator.InvalidError](err); ok && !json.Valid(body) {
			err = &statusError{http.StatusBadRequest, invalid.Error(), invalid.Problems}
		}
		return o, warnings, nil, err
	}
	if seed, err = seedOf(fields["seed"]); err != nil {
		return nil, nil, nil, err
	}
	kept, err := c.imported(name)
	if err != nil {
		return nil, nil, nil, err
	}
	o, warnings, err = kept.parse()
	return o, withoutPlaces(warnings), seed, err
}

// seedOf reads a seed as a number, or as a text such as the answer's "0x1f",
// which no JSON library rounds.
func seedOf(value json.RawMessage) (*uint64, error) {
	if value == nil || string(value) == "null" {
		return nil, nil
	}
	text := string(value)
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	seed, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return nil, &orchestrator.InvalidError{Problems: []orchestrator.Problem{{Path: "seed", Message: fmt.Sprintf("must be a whole number from 0 to 2^64-1, not %s", value)}}}
	}
	return &seed, nil
}

func (c *control) imported(name string) (imported, error) {
	kept, err := c.store.importOf(name)
	if err != nil {
		return imported{}, err
	}
	if kept == nil {
		return imported{}, refuse(http.StatusNotFound, "Orchestration '%s' not found: import it first", name)
	}
	return *kept, nil
}

func (c *control) getOrchestrationStatus(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, c.status())
	return nil
}

func (c *control) postStop(w http.ResponseWriter, _ *http.Request) error {
	message := "No orchestration currently running"
	if c.stopRun("on request") {
		message = "Orchestration stopped"
	}
	writeJSON(w, http.StatusOK, Message{Message: message})
	return nil
}

// getHistory lists the runs without what their steps have to say.
func (c *control) getHistory(w http.ResponseWriter, _ *http.Request) error {
	all, err := c.history()
	if err != nil {
		return err
	}
	if all == nil {
		all = []orchestrator.Report{}
	}
	for i := range all {
		steps := make([]orchestrator.StepReport, len(all[i].Steps))
		for j, s := range all[i].Steps {
			s.Checks, s.Problems, s.Counts = nil, nil, nil
			steps[j] = s
		}
		all[i].Steps = steps
	}
	writeJSON(w, http.StatusOK, all)
	return nil
}

func (c *control) getRun(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	report, err := c.find(id)
	if err != nil {
		return err
	}
	if report == nil {
		return refuse(http.StatusNotFound, "no run has the id '%s': the last %d are kept", id, maxHistory)
	}
	writeJSON(w, http.StatusOK, report)
	return nil
}

func (c *control) getOrchestrations(w http.ResponseWriter, _ *http.Request) error {
	all, err := c.store.imports()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, append([]imported{}, all...))
	return nil
}

// getOrchestration answers with an imported document, as JSON or in the format
// that the query asks for.
func (c *control) getOrchestration(w http.ResponseWriter, r *http.Request) error {
	kept, err := c.imported(r.PathValue("name"))
	if err != nil {
		return err
	}
	o, _, err := kept.parse()
	if err != nil {
		return err
	}
	return export(w, r, func(out *bytes.Buffer, format orchestrator.Format) error { return orchestrator.Encode(out, o, format) })
}

func (c *control) deleteOrchestration(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	found, err := c.store.deleteImport(name)
	if err != nil {
		return err
	}
	if !found {
		return refuse(http.StatusNotFound, "Orchestration '%s' not found", name)
	}
	writeJSON(w, http.StatusOK, Message{Message: fmt.Sprintf("Orchestration '%s' deleted", name)})
	return nil
}
