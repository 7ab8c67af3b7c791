package orchestrator

import (
	"regexp"
	"strings"
	"time"
)

// step is a step, or its short form: a name and a length.
func step(into *Step) codec { return stepCodec{object(into, stepFields()), into} }

type stepCodec struct {
	codec
	into *Step
}

func (c stepCodec) kind() string { return "step" }

var shortStep = regexp.MustCompile(`^(.+?)\s*\(([^()]+)\)$`)

func (c stepCodec) decode(d *decoder, n *node, path string) {
	if n.kind != textNode {
		c.codec.decode(d, n, path)
		return
	}
	m := shortStep.FindStringSubmatch(strings.TrimSpace(n.text))
	if m == nil {
		d.fail(n.place, path, "", `a step in short form is a name and a length, like "warmup (60s)", not %s`, quote(n.text))
		return
	}
	length, err := time.ParseDuration(strings.ReplaceAll(m[2], " ", ""))
	if err != nil || length < 0 || length > maxDuration {
		d.fail(n.place, path, "", `%s is not the length of a step: write it like "warmup (60s)"`, quote(m[2]))
		return
	}
	c.into.Duration = length
	d.places[join(path, "name")] = n.place
	name(&c.into.Name).decode(d, &node{kind: textNode, text: m[1], place: n.place}, join(path, "name"))
}

func stepFields() []field[Step] {
	return []field[Step]{
		{name: "name", required: true, doc: "What the step is called; no two steps share a name.",
			bind: func(s *Step) codec { return name(&s.Name) }},
		{name: "scenario", def: "none: a quiet step", doc: "What goes wrong: a name, or a mapping.",
			bind: func(s *Step) codec { return scenarioCodec{object(&s.Scenario, scenarioFields()), &s.Scenario} }},
		{name: "duration_seconds", def: "0", doc: "How long it lasts. 0 is the scenario's own: its `duration_seconds`, else 60 for a scenario that injects something and 0 for a quiet step.",
			bind: func(s *Step) codec { return seconds(&s.Duration) }},
		{name: "delay_before_seconds", def: "0", doc: "A gap before it, in which nothing is injected.",
			bind: func(s *Step) codec { return seconds(&s.DelayBefore) }},
		{name: "continue_on_failure", def: "false", doc: "The run goes on after a failure of this step; step and run still count as failed.",
			bind: func(s *Step) codec { return flag(&s.ContinueOnFailure) }},
		{name: "when", def: string(OnSuccess), doc: "Run it after no untolerated failure, after any failure, or always, as clean-up steps should.",
			bind: func(s *Step) codec { return word(&s.When, nil, OnSuccess, OnFailure, Always) }},
		{name: "targets", aliases: []string{"target"}, def: "all", doc: "Where its scenario applies.",
			bind: func(s *Step) codec { return list(&s.Targets, true, name) }},
		{name: "keep", def: "false", doc: "Its scenario stays in force, through later delays too, until the iteration ends; a quiet step or `enabled: false` lifts all that were kept.",
			bind: func(s *Step) codec { return flag(&s.Keep) }},
		{name: "load", def: "the document's", doc: "This step's traffic; `load: {rate: 0}` is none.",
			bind: func(s *Step) codec { return section(&s.Load, trafficFields()) }},
		{name: "expect", doc: "Checked when the step ends.",
			bind: func(s *Step) codec { return expectations(&s.Expect) }},
	}
}

// scenarioCodec is a scenario, or its short form: a name.
type scenarioCodec struct {
	codec
	into *Scenario
}

func (c scenarioCodec) kind() string { return "name, or scenario" }

func (c scenarioCodec) decode(d *decoder, n *node, path string) {
	if n.kind == textNode {
		name(&c.into.Name).decode(d, n, path)
		return
	}
	c.codec.decode(d, n, path)
}

func scenarioFields() []field[Scenario] {
	return []field[Scenario]{
		{name: "name", doc: "A preset, a network profile or a name under `scenarios`; with a config that has a section, only a label.",
			bind: func(s *Scenario) codec { return name(&s.Name) }},
		{name: "description", doc: "What it stands for.",
			bind: func(s *Scenario) codec { return text(&s.Description) }},
		{name: "config", aliases: []string{"chaos_config"}, doc: "The faults. With at least one section, or `enabled: false`, it is exactly what applies.",
			bind: func(s *Scenario) codec { return section(&s.Config, configFields()) }},
		{name: "duration_seconds", def: "60, or 0 where nothing is injected", doc: "Its length where the step does not say one.",
			bind: func(s *Scenario) codec { return seconds(&s.Duration) }},
		{name: "start_time", doc: "Nothing is injected before it; ignored in virtual time.",
			bind: func(s *Scenario) codec { return instant(&s.Start) }},
		{name: "end_time", doc: "Nothing is injected after it; ignored in virtual time.",
			bind: func(s *Scenario) codec { return instant(&s.End) }},
		{name: "tags", doc: "Words to find it by; carried through.",
			bind: func(s *Scenario) codec { return list(&s.Tags, true, text) }},
	}
}
