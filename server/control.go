package server

import (
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A control owns what may go wrong: the master switch, the standing config and
// the run in progress, and how they exclude one another. It is safe for
// concurrent use.
type control struct {
	injector  *injector.Injector
	observers *observers
	store     store
	events    *hub
	log       *slog.Logger
	seed      uint64          // of the standing config
	drive     driver          // of a document's load
	known     func() []string // names of the targets
	eventLog  runLogs
	metrics   *metrics
	tracer    Tracer // nil: none

	mu       sync.Mutex
	enabled  bool
	standing standing
	remove   func() // takes the standing layer off; nil: it is off
	current  *activeRun
	last     *orchestrator.Report // of the run that ended last, also on an earlier server; nil: none
	lastID   string               // of a run
	closed   bool
}

// begin puts the standing config in force, as far as the switch lets it.
func (c *control) begin(enabled bool, config injector.Config, scenario *orchestrator.Scenario) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.injector.ObserveAll(false)
	if !enabled {
		c.injector.Suspend()
	}
	c.enabled = enabled
	config.Enabled = nil // the switch is enabled
	c.standing.replace(config)
	if scenario != nil {
		c.standing.start(*scenario)
	}
	c.countScenarios(nil)
	if enabled || config.HasSection() || scenario != nil {
		c.logConfig("standing config")
	}
	c.apply()
}

// apply puts the standing config in force as it is now, unless a run suspends
// it. c.mu is held.
func (c *control) apply() {
	config := c.standing.config()
	if (c.current == nil || c.current.over) && len(config.Effects()) > 0 {
		c.remove = c.injector.Replace(injector.LayerRef{Name: standingLayer}, injector.Layer{Name: standingLayer, Config: config, Seed: &c.seed})
		return
	}
	if c.remove != nil {
		c.remove()
		c.remove = nil
	}
}

// change changes the standing config. What f refuses changes nothing: the layer
// in force keeps its breakers, buckets and counts.
func (c *control) change(f func(*standing) error) error { return c.set(nil, f) }

// set changes the standing config and, unless on is nil, the switch. No request
// meets the new config under the old switch.
func (c *control) set(on *bool, f func(*standing) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on != nil && !*on {
		c.switchTo(false)
	}
	before := slices.Clone(c.standing.started)
	if err := f(&c.standing); err != nil {
		return err
	}
	c.countScenarios(before)
	c.logConfig("config changed")
	c.apply()
	if on != nil && *on {
		c.switchTo(true)
	}
	c.events.publish("config", viewConfig(c.enabled, c.standing.config()))
	return nil
}

// countScenarios counts the scenarios that were started or stopped since. c.mu
// is held.
func (c *control) countScenarios(before []startedScenario) {
	in := func(list []startedScenario, x startedScenario) bool {
		return slices.ContainsFunc(list, func(y startedScenario) bool { return x.Name == y.Name && x.at.Equal(y.at) })
	}
	for _, x := range c.standing.started {
		if !in(before, x) {
			c.metrics.scenario(presetType(x.Name), "started")
		}
	}
	for _, x := range before {
		if !in(c.standing.started, x) {
			c.metrics.scenario(presetType(x.Name), "stopped")
		}
	}
}

// logConfig names what the standing config has: its values may hold secrets.
// c.mu is held.
func (c *control) logConfig(message string) {
	var present, scenarios []string
	config := c.standing.config()
	for _, s := range sections {
		if s.present(config) {
			present = append(present, s.name)
		}
	}
	for _, s := range c.standing.started {
		scenarios = append(scenarios, s.Name)
	}
	c.log.Info(message, "enabled", c.enabled, "sections", strings.Join(present, ","), "scenarios", strings.Join(scenarios, ","))
}

// setEnabled is the master switch.
func (c *control) setEnabled(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.enabled == on {
		return
	}
	c.switchTo(on)
	c.events.publish("config", viewConfig(on, c.standing.config()))
}

// switchTo turns the switch. c.mu is held.
func (c *control) switchTo(on bool) {
	if c.enabled == on {
		return
	}
	c.enabled = on
	if on {
		c.injector.Resume()
		if c.current != nil {
			c.current.run.Resume()
		}
	} else {
		if c.current != nil {
			c.current.run.Suspend("chaos was switched off during the step")
		}
		c.injector.Suspend()
	}
	c.log.Info("master switch", "enabled", on)
}

// put replaces the standing config by one that says itself whether the switch
// is on, if it wants to.
func (c *control) put(config injector.Config) {
	on := config.Enabled
	config.Enabled = nil                    // the switch is enabled
	_ = c.set(on, func(s *standing) error { // it refuses nothing
		s.replace(config)
		return nil
	})
}

// view calls f with the switch and the standing config, which f must not keep.
func (c *control) view(f func(enabled bool, s *standing)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.enabled, &c.standing)
}

// reset empties the standing config and stops a run. The switch stays.
func (c *control) reset() {
	c.stopRun("reset")
	c.put(injector.Config{})
}
