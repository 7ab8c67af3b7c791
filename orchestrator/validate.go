package orchestrator

// Validate checks an orchestration that was built in Go: everything that Load
// checks in a document, with paths and without positions. The error is an
// *InvalidError with every problem; the warnings are returned with it too.
func (o *Orchestration) Validate() (warnings []Problem, err error) {
	_, warnings, problems := decode(object(o, orchestrationFields()).encode())
	if len(problems) > 0 {
		return warnings, &InvalidError{Problems: problems}
	}
	return warnings, nil
}
