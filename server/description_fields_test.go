package server_test

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// schemaOf names the schema of each table of the reference.
var schemaOf = map[string]string{
	"Orchestration": "Orchestration", "Step": "Step", "Scenario": "Scenario", "Config": "Config", "latency": "Latency", "distribution": "Distribution",
	"fault_injection": "FaultInjection", "error_pattern": "ErrorPattern", "request_matcher": "RequestMatcher", "headers": "HeaderMatcher",
	"rate_limit": "RateLimit", "traffic_shaping": "TrafficShaping", "circuit_breaker": "CircuitBreaker", "bulkhead": "Bulkhead",
	"chunked_dribble_delay": "ChunkedDribbleDelay", "response_rewrite": "ResponseRewrite", "schedule": "Schedule",
	"grpc": "GRPC", "websocket": "WebSocket", "graphql": "GraphQL", "tcp": "TCP", "toxics": "Toxic", "attributes": "ToxicAttributes", "Target": "Target", "Load": "Load",
}

// The schemas of documents have the fields of the reference, which is made from
// the tables that loading goes by: names, meanings, ranges and words.
func TestDescriptionHasTheFieldsOfDocuments(t *testing.T) {
	t.Parallel()
	var reference bytes.Buffer
	require.NoError(t, orchestrator.Reference(&reference))
	schemas := describe(t).doc.Components.Schemas
	seen := 0
	for _, part := range strings.Split(reference.String(), "\n## ")[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		if title == "Scenarios by name" || title == "Types of toxics" || title == "Limits" {
			continue
		}
		seen++
		require.Contains(t, schemaOf, title, "a table without a schema")
		schema := schemas[schemaOf[title]].Value
		require.NotNil(t, schema.AdditionalProperties.Has)
		require.False(t, *schema.AdditionalProperties.Has, title)
		require.Contains(t, rest, schema.Description)
		var fields, required []string
		for _, row := range rows(rest) {
			names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row.field, -1)
			for i, name := range names {
				fields = append(fields, name[1])
				property := schema.Properties[name[1]]
				require.NotNil(t, property, "%s.%s is not described", title, name[1])
				if i == 0 {
					require.True(t, strings.HasPrefix(property.Value.Description, row.meaning), "%s.%s: %q, want %q", title, name[1], property.Value.Description, row.meaning)
				}
				checkRange(t, title+"."+name[1], property.Value, row.value)
			}
			if row.def == "required" {
				required = append(required, names[0][1])
			}
		}
		var described []string
		for name := range schema.Properties {
			described = append(described, name)
		}
		require.ElementsMatch(t, fields, described, title)
		require.ElementsMatch(t, required, schema.Required, title)
	}
	require.Equal(t, len(schemaOf), seen)
}

type fieldRow struct{ field, value, def, meaning string }

func rows(table string) (out []fieldRow) {
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| `") {
			cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "| \n"), `\|`, "\x00"), " | ")
			for i := range cells {
				cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
			}
			out = append(out, fieldRow{cells[0], cells[1], cells[2], cells[3]})
		}
	}
	return out
}

// checkRange holds numbers and words to what the reference says of them.
func checkRange(t *testing.T, name string, s *openapi3.Schema, value string) {
	t.Helper()
	if of, ok := strings.CutPrefix(value, "list of "); ok {
		value, s = of, s.Items.Value
	}
	if m := regexp.MustCompile(`^(?:whole )?number(?: of \w+)?, (\S+) to (\S+)$`).FindStringSubmatch(value); m != nil && !strings.Contains(m[2], "^") {
		require.Equal(t, m[1]+" "+m[2], plain(s.Min)+" "+plain(s.Max), name)
	}
	if m := regexp.MustCompile(`^(?:whole )?number(?: of \w+)?, (\S+) or more$`).FindStringSubmatch(value); m != nil {
		require.Equal(t, m[1], plain(s.Min), name)
	}
	if strings.HasPrefix(value, "true or false") {
		require.True(t, s.Type.Includes("boolean"), name)
		return
	}
	if regexp.MustCompile(`^[a-z_0-9]+(, [a-z_0-9]+)* or [a-z_0-9]+$`).MatchString(value) && len(s.Enum) > 0 {
		var words []string
		for _, word := range s.Enum {
			if text, ok := word.(string); ok && !strings.Contains(s.Description, "`"+text+"`") { // another spelling
				words = append(words, text)
			}
		}
		require.Equal(t, regexp.MustCompile(`, | or `).Split(value, -1), words, name)
	}
}

func plain(limit *float64) string {
	if limit == nil {
		return "none"
	}
	return strconv.FormatFloat(*limit, 'f', -1, 64)
}

// Rules and kinds that grow are in the description.
func TestDescriptionHasTheWordsOfReports(t *testing.T) {
	t.Parallel()
	schemas := describe(t).doc.Components.Schemas
	for schema, words := range map[string][]string{
		"Report":     {string(orchestrator.RunPending), string(orchestrator.RunRunning), string(orchestrator.RunCompleted), string(orchestrator.RunFailed), string(orchestrator.RunInconclusive), string(orchestrator.RunStopped)},
		"StepReport": {string(orchestrator.StepRunning), string(orchestrator.StepPassed), string(orchestrator.StepFailed), string(orchestrator.StepInconclusive), string(orchestrator.StepSkipped)},
	} {
		for _, word := range words {
			require.True(t, slices.Contains(schemas[schema].Value.Properties["state"].Value.Enum, any(word)), "%s %s", schema, word)
		}
	}
}
