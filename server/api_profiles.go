package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// allProfiles are the network profiles that came with the product and then the
// user's own.
func (c *control) allProfiles() ([]orchestrator.Profile, error) {
	var out []orchestrator.Profile
	for _, p := range injector.Presets() {
		if p.Profile {
			out = append(out, builtinProfile(p))
		}
	}
	custom, err := c.store.profiles()
	if err != nil {
		return nil, err
	}
	for _, document := range custom {
		p, _, err := orchestrator.ParseProfile(document, orchestrator.JSON)
		if err != nil {
			return nil, fmt.Errorf("a kept profile cannot be read: %s", err.Error()) // not the caller's mistake
		}
		out = append(out, p)
	}
	return out, nil
}

func builtinProfile(p injector.Named) orchestrator.Profile {
	return orchestrator.Profile{Name: p.Name, Description: p.Description, Tags: p.Tags, Builtin: true, Config: p.Config}
}

// overProfile is a built-in profile with the sections of a config over it.
func overProfile(name string, config injector.Config) (injector.Config, error) {
	p, ok := injector.Preset(name)
	if !ok || !p.Profile {
		return config, refuse(http.StatusNotFound, "Profile '%s' not found: there are %s", name, listed(NetworkProfiles()))
	}
	st := standing{base: p.Config}
	st.start(orchestrator.Scenario{Config: &config})
	return st.config(), nil
}

func (c *control) profile(name string) (orchestrator.Profile, error) {
	if p, ok := injector.Preset(name); ok && p.Profile {
		return builtinProfile(p), nil
	}
	document, err := c.store.profileOf(name)
	if err != nil {
		return orchestrator.Profile{}, err
	}
	if document == nil {
		return orchestrator.Profile{}, refuse(http.StatusNotFound, "Profile '%s' not found", name)
	}
	p, _, err := orchestrator.ParseProfile(document, orchestrator.JSON)
	if err != nil {
		return orchestrator.Profile{}, fmt.Errorf("profile %s cannot be read: %s", name, err.Error()) // not the caller's mistake
	}
	return p, nil
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
	write(w, http.StatusOK, kind, out.Bytes())
	return nil
}

// putProfile keeps a profile of the user's own.
func (c *control) putProfile(body []byte, format orchestrator.Format) (orchestrator.Profile, []orchestrator.Problem, error) {
	p, warnings, err := orchestrator.ParseProfile(body, format)
	if err != nil {
		return p, nil, err
	}
	if _, taken := injector.Preset(p.Name); taken {
		return p, nil, refuse(http.StatusConflict, "Profile '%s' is built in: choose another name", p.Name)
	}
	var text bytes.Buffer
	if err := orchestrator.EncodeProfile(&text, p, orchestrator.JSON); err != nil {
		return p, nil, err
	}
	return p, warnings, whileKeeping(c.store.putProfile(p.Name, text.Bytes()), "profiles")
}

func (c *control) postProfile(w http.ResponseWriter, r *http.Request) error {
	body, err := readValid(r)
	if err != nil {
		return err
	}
	p, warnings, err := c.putProfile(body, orchestrator.JSON)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Profile '%s' created", p.Name), warnings})
	return nil
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
	name := r.PathValue("name")
	if p, ok := injector.Preset(name); ok && p.Profile {
		return refuse(http.StatusConflict, "Profile '%s' is built in: it cannot be deleted", name)
	}
	found, err := c.store.deleteProfile(name)
	if err != nil {
		return err
	}
	if !found {
		return refuse(http.StatusNotFound, "Profile '%s' not found", name)
	}
	writeJSON(w, http.StatusOK, Message{Message: fmt.Sprintf("Profile '%s' deleted", name)})
	return nil
}

// postProfileApply makes a profile the standing config, as PUT /config does.
func (c *control) postProfileApply(w http.ResponseWriter, r *http.Request) error {
	p, err := c.profile(r.PathValue("name"))
	if err != nil {
		return err
	}
	c.put(p.Config)
	writeJSON(w, http.StatusOK, Message{fmt.Sprintf("Profile '%s' applied successfully", p.Name), c.notYet()})
	return nil
}
