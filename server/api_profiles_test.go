package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

type profileView struct {
	Name, Description string
	Config            map[string]any `json:"chaos_config"`
	Tags              []string
	Builtin           bool
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	names := func() (names []string) {
		var all []profileView
		l.ask(t, "GET", "/profiles", nil).ok(t).into(t, &all)
		for _, p := range all {
			names = append(names, p.Name)
		}
		return names
	}
	builtin := []string{"slow_3g", "fast_3g", "flaky_wifi", "cable", "dialup"}
	require.Equal(t, builtin, names())

	l.ask(t, "POST", "/profiles", `{"name": "zebra", "description": "d", "tags": ["x"], "chaos_config": {"fault_injection": `+always503+`}, "builtin": true}`).says(t, 200, "Profile 'zebra' created")
	l.ask(t, "POST", "/profiles/import", map[string]string{"format": "yaml", "content": "name: ant\nconfig: {latency: {fixed_delay_ms: 1}}\n"}).says(t, 200, "Profile 'ant' imported successfully")
	require.Equal(t, append(builtin, "ant", "zebra"), names())

	var p profileView
	l.ask(t, "GET", "/profiles/zebra", nil).ok(t).into(t, &p)
	require.Equal(t, "zebra d [x] false", fmt.Sprint(p.Name, " ", p.Description, " ", p.Tags, " ", p.Builtin))
	l.ask(t, "GET", "/profiles/slow_3g", nil).ok(t).into(t, &p)
	require.True(t, p.Builtin)

	l.ask(t, "POST", "/profiles/zebra/apply", nil).says(t, 200, "Profile 'zebra' applied successfully")
	l.hits(t, 503, "config")
	l.ask(t, "POST", "/profiles/cable/apply", nil).says(t, 200, "Profile 'cable' applied successfully")
	l.hits(t, 200, "config")

	// An export can be imported.
	for _, format := range []string{"json", "yaml"} {
		a := l.ask(t, "GET", "/profiles/zebra/export?format="+format, nil).ok(t)
		require.Equal(t, "application/"+format, a.header.Get("Content-Type"))
		copied := strings.Replace(string(a.body), "zebra", "copy", 1)
		l.ask(t, "POST", "/profiles/import", map[string]string{"format": format, "content": copied}).says(t, 200, "Profile 'copy' imported successfully")
	}
	l.ask(t, "GET", "/profiles/zebra/export?format=toml", nil).says(t, 400, `unknown format "toml": use yaml or json`)
	require.Equal(t, "application/json", l.ask(t, "GET", "/profiles/cable/export", nil).ok(t).header.Get("Content-Type"))

	l.ask(t, "DELETE", "/profiles/zebra", nil).says(t, 200, "Profile 'zebra' deleted")
	for _, call := range [][2]string{{"DELETE", ""}, {"GET", ""}, {"POST", "/apply"}, {"GET", "/export"}} {
		l.ask(t, call[0], "/profiles/zebra"+call[1], nil).says(t, 404, "Profile 'zebra' not found")
	}

	// The built-in ones stay as they are.
	l.ask(t, "DELETE", "/profiles/cable", nil).says(t, 409, "Profile 'cable' is built in: it cannot be deleted")
	l.ask(t, "POST", "/profiles", `{"name": "cable", "chaos_config": {}}`).says(t, 409, "Profile 'cable' is built in: choose another name")
	l.ask(t, "POST", "/profiles/import", `{"content": "name: cable\nconfig: {}", "format": "yaml"}`).says(t, 409, "Profile 'cable' is built in: choose another name")
}

func TestInvalidProfile(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	const document = `{"chaos_config": {"latency": {"probability": 7}}, "tgs": []}`
	_, _, err := orchestrator.ParseProfile([]byte(document), orchestrator.JSON)
	l.ask(t, "POST", "/profiles", document).says(t, 422, err.Error())
	l.ask(t, "POST", "/profiles/import", map[string]string{"content": document, "format": "json"}).says(t, 422, err.Error())
	l.ask(t, "POST", "/profiles", `{`).says(t, 400, "the body is not JSON: 1:1: not JSON: unexpected end of JSON input")
	l.ask(t, "POST", "/profiles/import", `{"content": "name: a", "format": "toml"}`).says(t, 400, `unknown format "toml": use yaml or json`)
	l.ask(t, "POST", "/profiles/import", `{"content": "name: a", "path": "/etc/passwd"}`).says(t, 400, `the body is not what this call takes: unknown field "path"`)
}

// A profile that says whether it is on is believed, as PUT /config is.
func TestProfileWithASwitch(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "POST", "/profiles", `{"name": "off", "chaos_config": {"enabled": false, "fault_injection": `+always503+`}}`).ok(t)
	m := l.ask(t, "POST", "/profiles/off/apply", nil).ok(t).message(t)
	require.Len(t, m.Warnings, 1)
	l.hits(t, 200)
	require.False(t, l.config(t).Enabled)
	l.ask(t, "POST", "/enable", nil).ok(t)
	l.hits(t, 503, "config")
}

// Names are what users call things: in a path they are escaped.
func TestNamesInPaths(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	for _, name := range []string{"a b", "a/b", "..", ".", "50%", "a?b#c", `"ü"`, "import", "a+b", "名", "a;b"} {
		escaped := strings.ReplaceAll(url.PathEscape(name), ".", "%2E")
		l.ask(t, "POST", "/profiles", map[string]any{"name": name, "chaos_config": map[string]any{}}).says(t, 200, "Profile '"+name+"' created")
		var p profileView
		l.ask(t, "GET", "/profiles/"+escaped, nil).ok(t).into(t, &p)
		require.Equal(t, name, p.Name)
		l.ask(t, "DELETE", "/profiles/"+escaped, nil).says(t, 200, "Profile '"+name+"' deleted")
		l.ask(t, "POST", "/orchestration/import", map[string]any{"content": fmt.Sprintf(`{"name": %q, "steps": ["a (1s)"]}`, name)}).ok(t)
		l.ask(t, "GET", "/orchestrations/"+escaped+"/export?format=yaml", nil).ok(t)
		l.ask(t, "DELETE", "/orchestrations/"+escaped, nil).says(t, 200, "Orchestration '"+name+"' deleted")
	}
}

func TestLongName(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		l := serveLive(t, server.Options{DataDir: dir})
		const refused = "name: is longer than the 1000 bytes that the server keeps"
		long := strings.Repeat("x", 1001)
		l.ask(t, "POST", "/profiles", map[string]any{"name": long, "chaos_config": map[string]any{}}).says(t, 422, refused)
		l.ask(t, "POST", "/orchestration/import", map[string]any{"content": "name: " + long + "\nsteps: [a (1s)]"}).says(t, 422, refused)
	}
}

// What is kept has an end.
func TestNumberOfProfiles(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	for i := range 1000 {
		l.call("POST", "/api/chaos/profiles", fmt.Sprintf(`{"name": "p%d", "chaos_config": {}}`, i), nil)
	}
	l.ask(t, "POST", "/profiles", `{"name": "another", "chaos_config": {}}`).says(t, 409, "the server keeps at most 1000 profiles and 64 MiB of them: delete one with DELETE /api/chaos/profiles/NAME")
	l.ask(t, "POST", "/profiles", `{"name": "p7", "chaos_config": {"enabled": false}}`).says(t, 200, "Profile 'p7' created")
}
