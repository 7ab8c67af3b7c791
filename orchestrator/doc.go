// Package orchestrator says what happens when: it loads and validates
// orchestrations, the documents that chain chaos scenarios into steps, and
// runs them.
//
//	o, warnings, err := orchestrator.Load("outage.yaml")
//	if err != nil {
//		return err // every problem at once, each with its line and column
//	}
//	for _, w := range warnings {
//		log.Print(w)
//	}
//	for i, span := range o.Timetable() {
//		fmt.Println(o.Steps[i].Name, span.Start, span.End)
//	}
//
// An orchestration is plain data. It can be written in YAML, in JSON, or in Go
// as a struct literal, and Encode turns it back into a document that loads as
// the same value.
//
// [Load] and [Parse] are the only ways in for documents and
// [Orchestration.Validate] for struct literals; all of them make the same
// checks, so whatever one part of the product accepts every other part does
// too.
package orchestrator
