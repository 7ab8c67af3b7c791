package orchestrator

import (
	"io"
	"os"
)

// LineOf is the line, from 1, at which a value stands in the document at path,
// such as "steps[1].expect[0]"; 0 where it cannot be told. Reports use it to
// name the line of an expectation that did not hold.
func LineOf(path, value string) int {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes))
	if err != nil {
		return 0
	}
	reader := readYAML
	if FormatOf(path) == JSON {
		reader = readJSON
	}
	root, problem := reader(data)
	if problem != nil {
		return 0
	}
	d := &decoder{places: map[string]place{"": root.place}}
	object(&Orchestration{}, orchestrationFields()).decode(d, root, "")
	return d.places[value].line
}
