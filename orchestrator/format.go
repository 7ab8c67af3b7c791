package orchestrator

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is how a document is written.
type Format string

const (
	YAML Format = "yaml"
	JSON Format = "json"
)

// ParseFormat reads a format's name, in any case: yaml, yml or json.
func ParseFormat(word string) (Format, error) {
	switch strings.ToLower(word) {
	case "yaml", "yml":
		return YAML, nil
	case "json":
		return JSON, nil
	}
	return "", fmt.Errorf("unknown format %q: use yaml or json", word)
}

// FormatOf is the format of a file by its name: JSON for .json, else YAML.
func FormatOf(path string) Format {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return JSON
	}
	return YAML
}
