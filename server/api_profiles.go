package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// allProfiles are the network profiles that came with the product and then the
// user's own.
func (c *control) allProfiles() ([]orchestrator.Profile, error) {
	var out []orchestrator.Profile
	for _, p := range injector.Presets() {
		if p.Profile {
			out = append(out, orchestrator.Profile{Name: p.Name, Description: p.Description, Tags: p.Tags, Builtin: true, Config: p.Config})
		}
	}
	custom, err := c.store.profiles()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		p, _, err := orchestrator.ParseProfile(custom[name], orchestrator.JSON)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// overProfile is a built-in profile with the sections of a config over it.
func overProfile(name string, config injector.Config) (injector.Config, error) {
	p, ok := injector.Preset(name)
	if !ok || !p.Profile {
		return config, &statusError{http.StatusNotFound, fmt.Sprintf("Profile '%s' not found: there are %s", name, listed(NetworkProfiles()))}
	}
	st := standing{base: p.Config}
	st.start(orchestrator.Scenario{Config: &config})
	return st.config(), nil
}

func (c *control) profile(name string) (orchestrator.Profile, error) {
	all, err := c.allProfiles()
	if err != nil {
		return orchestrator.Profile{}, err
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return orchestrator.Profile{}, &statusError{http.StatusNotFound, fmt.Sprintf("Profile '%s' not found", name)}
}

// profileJSON has every field, as the documentation shows it.
func profileJSON(p orchestrator.Profile) json.RawMessage {
	out := map[string]json.RawMessage{}
	var text bytes.Buffer
	if orchestrator.EncodeProfile(&text, p, orchestrator.JSON) == nil {
		_ = json.Unmarshal(text.Bytes(), &out) // it was written just now
	}
	for name, empty := range map[string]string{"description": `""`, "tags": "[]", "builtin": "false", "chaos_config": "{}"} {
		if out[name] == nil {
			out[name] = json.RawMessage(empty)
		}
	}
	data, _ := json.Marshal(out) // it was JSON
	return data
}

func (c *control) getProfiles(w http.ResponseWriter, _ *http.Request) error {
	all, err := c.allProfiles()
	if err != nil {
		return err
	}
	out := []json.RawMessage{}
	for _, p := range all {
		out = append(out, profileJSON(p))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (c *control) getProfile(w http.ResponseWriter, r *http.Request) error {
	p, err := c.profile(r.PathValue("name"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, profileJSON(p))
	return nil
}

func (c *control) getProfileExport(w http.ResponseWriter, r *http.Request) error {
	p, err := c.profile(r.PathValue("name"))
	if err != nil {
		return err
	}
	return export(w, r, func(out *bytes.Buffer, format orchestrator.Format) error {
		return orchestrator.EncodeProfile(out, p, format)
	})
}

// export answers with a document in the format that the query asks for.
func export(w http.ResponseWriter, r *http.Request, encode func(*bytes.Buffer, orchestrator.Format) error) error {
	format, err := formatOf(r.URL.Query().Get("format"))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := encode(&out, format); err != nil {
		return err
	}
	kind := "application/json"
	if format == orchestrator.YAML {
		kind = "application/yaml"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(out.Bytes()) // whether the client still reads is its own affair
	return nil
}

// putProfile keeps a profile of the user's own.
func (c *control) putProfile(body []byte, format orchestrator.Format) (orchestrator.Profile, []orchestrator.Problem, error) {
	p, warnings, err := orchestrator.ParseProfile(body, format)
	if err != nil {
		return p, nil, err
	}
	if _, taken := injector.Preset(p.Name); taken {
		return p, nil, &statusError{http.StatusConflict, fmt.Sprintf("Profile '%s' is built in: choose another name", p.Name)}
	}
	var text bytes.Buffer
	if err := orchestrator.EncodeProfile(&text, p, orchestrator.JSON); err != nil {
		return p, nil, err
	}
	return p, warnings, c.store.putProfile(p.Name, text.Bytes())
}

func (c *control) postProfile(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if !json.Valid(body) {
		return badJSON(body)
	}
	p, warnings, err := c.putProfile(body, orchestrator.JSON)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Profile '%s' created", p.Name), warnings})
	return nil
}

// importBody is a document in a JSON string.
type importBody struct {
	Content string `json:"content"`
	Format  string `json:"format"` // Default: yaml, which JSON is too
}

func (b importBody) format() (orchestrator.Format, error) {
	if b.Format == "" {
		return orchestrator.YAML, nil
	}
	return formatOf(b.Format)
}

func (c *control) postProfileImport(w http.ResponseWriter, r *http.Request) error {
	var body importBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	format, err := body.format()
	if err != nil {
		return err
	}
	p, warnings, err := c.putProfile([]byte(body.Content), format)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Profile '%s' imported successfully", p.Name), warnings})
	return nil
}

func (c *control) deleteProfile(w http.ResponseWriter, r *http.Request) error {
	p, err := c.profile(r.PathValue("name"))
	if err != nil {
		return err
	}
	if p.Builtin {
		return &statusError{http.StatusConflict, fmt.Sprintf("Profile '%s' is built in: it cannot be deleted", p.Name)}
	}
	if _, err := c.store.deleteProfile(p.Name); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{Message: fmt.Sprintf("Profile '%s' deleted", p.Name)})
	return nil
}

// postProfileApply makes a profile the standing config.
func (c *control) postProfileApply(w http.ResponseWriter, r *http.Request) error {
	p, err := c.profile(r.PathValue("name"))
	if err != nil {
		return err
	}
	p.Config.Enabled = nil
	c.change(func(s *standing) { s.replace(p.Config) })
	writeJSON(w, http.StatusOK, Message{Message: fmt.Sprintf("Profile '%s' applied successfully", p.Name), Warnings: c.offWarning()})
	return nil
}
