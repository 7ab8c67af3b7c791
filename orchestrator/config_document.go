package orchestrator

import (
	"io"

	"github.com/mockforge-go/mockforge/injector"
)

// ParseConfig reads a config by itself, as it stands in a scenario: the same
// fields, rules and warnings. See Load for what it returns.
func ParseConfig(data []byte, format Format) (c injector.Config, warnings []Problem, err error) {
	warnings, err = parsePart(data, format, &c, configFields(), func(check *checker) {
		check.config(c, "")
		check.warnConfig(c, "")
	})
	return c, warnings, err
}

// EncodeConfig writes a config that ParseConfig reads as the same one.
func EncodeConfig(w io.Writer, c injector.Config, format Format) error {
	return encodePart(w, format, &c, configFields())
}

// A Profile is a config under a name of its own, as the API stores network
// profiles.
type Profile struct {
	Name        string
	Description string
	Tags        []string
	Builtin     bool // it came with the product; a document that says so is not believed
	Config      injector.Config
}

func profileFields() []field[Profile] {
	return []field[Profile]{
		{name: "name", required: true, doc: "What the profile is called.",
			bind: func(p *Profile) codec { return name(&p.Name) }},
		{name: "description", doc: "What it stands for.",
			bind: func(p *Profile) codec { return text(&p.Description) }},
		{name: "chaos_config", aliases: []string{"config"}, required: true, doc: "The faults.",
			bind: func(p *Profile) codec { return present{object(&p.Config, configFields())} }},
		{name: "tags", doc: "Words to find it by.",
			bind: func(p *Profile) codec { return list(&p.Tags, true, text) }},
		{name: "builtin", doc: "Whether it came with the product.",
			bind: func(p *Profile) codec { return flag(&p.Builtin) }},
	}
}

// ParseProfile reads a profile. See Load for what it returns.
func ParseProfile(data []byte, format Format) (p Profile, warnings []Problem, err error) {
	warnings, err = parsePart(data, format, &p, profileFields(), func(check *checker) {
		check.config(p.Config, "chaos_config")
		check.warnConfig(p.Config, "chaos_config")
	})
	p.Builtin = false
	return p, warnings, err
}

// EncodeProfile writes a profile that ParseProfile reads as the same one.
func EncodeProfile(w io.Writer, p Profile, format Format) error {
	return encodePart(w, format, &p, profileFields())
}

// EncodeScenario writes a scenario as it stands in a step.
func EncodeScenario(w io.Writer, s Scenario, format Format) error {
	return encodePart(w, format, &s, scenarioFields())
}

// parsePart reads a mapping that is not a whole document. check looks for what
// no single field can see.
func parsePart[T any](data []byte, format Format, into *T, fields []field[T], check func(*checker)) (warnings []Problem, err error) {
	format, err = ParseFormat(string(format))
	if err != nil {
		return nil, err
	}
	root, problem := readNode(data, format)
	if problem != nil {
		return nil, &InvalidError{Problems: []Problem{*problem}}
	}
	d := &decoder{places: map[string]place{"": root.place}}
	if root.kind == nullNode {
		root = &node{kind: mapNode, place: root.place}
	}
	object(into, fields).decode(d, root, "")
	c := &checker{decoder: d, o: &Orchestration{}}
	check(c)
	sortProblems(d.problems)
	if len(d.problems) > 0 {
		return c.sound(), &InvalidError{Problems: d.problems}
	}
	return c.sound(), nil
}

func encodePart[T any](w io.Writer, format Format, from *T, fields []field[T]) error {
	format, err := ParseFormat(string(format))
	if err != nil {
		return err
	}
	root := object(from, fields).encode()
	if format == JSON {
		return writeJSON(w, root)
	}
	return writeYAML(w, root)
}
