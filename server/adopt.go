package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// adopt fits a valid document to the targets that this server was configured
// with: a document may name them, and cannot bring others.
func (s *Server) adopt(o *orchestrator.Orchestration) error {
	var problems []orchestrator.Problem
	fail := func(path, format string, args ...any) {
		problems = append(problems, orchestrator.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	names := s.plane.names()
	for _, name := range slices.Sorted(maps.Keys(o.Targets)) {
		path, target := "targets."+name, o.Targets[name]
		own := s.plane.find(name)
		switch {
		case own == nil:
			fail(path, "this server has no target %s: it was started with %s; add --target %s", name, strings.Join(names, ", "), flagFor(name, target.Kind, "URL"))
		case target.Kind == orchestrator.TCP && !own.tcp():
			fail(path+".kind", "is tcp, and the target %s of this server is HTTP: start the server with --target %s", name, flagFor(name, target.Kind, ""))
		case target.Kind != orchestrator.TCP && own.tcp():
			fail(path+".kind", "is http, and the target %s of this server is not: say kind: tcp, or start the server with --target %s=URL", name, name)
		case target.Upstream != "" && strings.TrimSuffix(target.Upstream, "/") != strings.TrimSuffix(strings.TrimPrefix(own.Upstream, tcpScheme), "/"):
			fail(path+".upstream", "is not the one that this server was started with: leave it out, or start the server with --target %s", flagFor(name, target.Kind, target.Upstream))
		}
	}
	if len(o.Targets) == 0 && len(names) > 1 && s.plane.find(orchestrator.DefaultTarget) == nil && loaded(o) {
		fail("load", "target is missing: this server has %s; declare the one that is meant under targets", strings.Join(names, ", "))
	}
	if own := s.loadTarget(); len(o.Targets) == 0 && own != nil && own.tcp() && loaded(o) {
		fail("load", "is HTTP, and the target %s of this server is of kind tcp", own.Name)
	}
	if loaded(o) && s.address() == nil {
		return refuse(http.StatusConflict, "the document drives load, and this server does not listen: call Listen")
	}
	if len(problems) > 0 {
		return &orchestrator.InvalidError{Problems: problems}
	}
	if len(o.Targets) > 0 && len(o.Targets) < len(names) {
		// "All" in a document are all of its own.
		for i := range o.Steps {
			if o.Steps[i].Targets == nil {
				o.Steps[i].Targets = slices.Sorted(maps.Keys(o.Targets))
			}
		}
	}
	return nil
}

// loaded reports whether a document drives load.
func loaded(o *orchestrator.Orchestration) bool {
	drives := func(t *orchestrator.Traffic) bool { return t != nil && t.Rate > 0 }
	return drives(o.Load) || slices.ContainsFunc(o.Steps, func(s orchestrator.Step) bool { return drives(s.Load) })
}

// flagFor is what --target wants for a target with that upstream; "": of one's
// choice.
func flagFor(name string, kind orchestrator.TargetKind, upstream string) string {
	if kind != orchestrator.TCP {
		return name + "=" + upstream
	}
	if upstream == "" || upstream == "URL" {
		upstream = "HOST:PORT"
	}
	return name + "=" + tcpScheme + upstream + ",port=N"
}

// loadTarget is where the load of a document without targets goes; nil: it has
// to say.
func (s *Server) loadTarget() *dataTarget {
	if t := s.plane.find(orchestrator.DefaultTarget); t != nil || len(s.plane.targets) > 1 {
		return t
	}
	return s.plane.targets[0]
}
