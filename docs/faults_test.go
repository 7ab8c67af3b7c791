package docs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const faultsPage = "docs/faults.md"

// A faultRow is a row of a table of docs/faults.md.
type faultRow struct {
	line  int
	title string // of the section
	cells []string
}

// faultRows are the rows of the tables whose head begins with a word.
func faultRows(t *testing.T, head string) (rows []faultRow) {
	t.Helper()
	_, prose := split(t, faultsPage)
	title, inside, columns := "", false, 0
	for i, line := range prose {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case strings.HasPrefix(line, "## "):
			title, inside = line[3:], false
		case !strings.HasPrefix(line, "|"):
			inside = false
		case strings.HasPrefix(line, "| "+head+" |"):
			inside, columns = true, len(cells)
		case inside && !strings.HasPrefix(line, "|-"):
			require.Len(t, cells, columns, "%s:%d", faultsPage, i+1)
			rows = append(rows, faultRow{i + 1, title, cells})
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

func (r faultRow) at() string { return fmt.Sprintf("%s:%d: %s", faultsPage, r.line, r.cells[0]) }

var quoted = regexp.MustCompile("`([^`]+)`")

func quotes(cell string) (all []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// Every kind of fault has a row, in the order in which a layer applies them.
// Those of one protocol stand together.
func TestEveryKindHasARow(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range faultRows(t, "fault") {
		names := quotes(r.cells[0])
		require.NotEmpty(t, names, r.at())
		if !slices.Contains(got, names[0]) {
			got = append(got, names[0])
		}
	}
	require.ElementsMatch(t, injector.Kinds(), got)
}

// theirs are the faults that other tools list, and what belongs to them.
var theirs = map[string]string{
	"Coming from toxiproxy": "latency down bandwidth slow_close timeout reset_peer slicer limit_data toxicity stream",
	"Coming from WireMock": "EMPTY_RESPONSE MALFORMED_RESPONSE_CHUNK RANDOM_DATA_THEN_CLOSE CONNECTION_RESET_BY_PEER fixedDelayMilliseconds " +
		"delayDistribution uniform lognormal fixed chunkedDribbleDelay fixedDelay status headers body",
	"Coming from Envoy": "delay.fixed_delay delay.percentage delay.header_delay abort.http_status abort.grpc_status abort.percentage abort.header_abort " +
		"response_rate_limit.fixed_limit response_rate_limit.percentage response_rate_limit.header_limit max_active_faults headers upstream_cluster downstream_nodes " +
		"x-envoy-fault-delay-request x-envoy-fault-delay-request-percentage x-envoy-fault-abort-request x-envoy-fault-abort-request-percentage " +
		"x-envoy-fault-abort-grpc-request x-envoy-fault-throughput-response x-envoy-fault-throughput-response-percentage x-envoy-downstream-service-cluster " +
		"fault.http.delay.fixed_delay_percent fault.http.delay.fixed_duration_ms fault.http.abort.abort_percent fault.http.abort.http_status " +
		"fault.http.abort.grpc_status fault.http.max_active_faults fault.http.rate_limit.response_percent disable_downstream_cluster_stats filter_metadata " +
		"delay_percent_runtime delay_duration_runtime abort_percent_runtime abort_http_status_runtime abort_grpc_status_runtime max_active_faults_runtime " +
		"response_rate_limit_percent_runtime",
}

// Whatever toxiproxy, WireMock and Envoy have is here or has a reason.
func TestEveryFaultOfOthersHasARow(t *testing.T) {
	t.Parallel()
	rows := map[string][]string{}
	for _, r := range faultRows(t, "theirs") {
		rows[r.title] = append(rows[r.title], quotes(r.cells[0])...)
	}
	require.Len(t, rows, len(theirs))
	for title, names := range theirs {
		got := slices.Compact(slices.Sorted(slices.Values(rows[title])))
		want := strings.Fields(names)
		slices.Sort(want)
		require.Equal(t, want, got, title)
	}
}

// choices are the fields whose every word is a fault of its own.
var choices = []string{"fault_injection.connection_error_kind", "fault_injection.corruption_type", "fault_injection.error_pattern.type",
	"latency.distribution.type", "fault_injection.schedule.type", "tcp.toxics.type"}

// Fields that rows name are those of documents, and their words too. No word of
// a choice is left out.
func TestFieldsOfFaultsExist(t *testing.T) {
	t.Parallel()
	known := documentFields(t)
	seen := map[string]bool{}
	for _, r := range slices.Concat(faultRows(t, "fault"), faultRows(t, "control"), faultRows(t, "theirs")) {
		for _, name := range quotes(r.cells[1]) {
			if !strings.Contains(name, ".") || strings.ContainsAny(name, "/ ") && !strings.Contains(name, ": ") {
				continue
			}
			seen[name] = true
			path, value, chosen := strings.Cut(name, ": ")
			values, exists := known[path]
			require.True(t, exists, "%s: no document has the field %s", r.at(), path)
			if chosen {
				require.Contains(t, values, value, "%s: %s", r.at(), path)
			}
		}
	}
	for _, path := range choices {
		for _, word := range known[path] {
			require.True(t, word == "none" || seen[path+": "+word], "%s has no row for %s: %s", faultsPage, path, word)
		}
	}
}

// documentFields are the fields of a config, "latency.fixed_delay_ms", with the
// words that they take, by the reference.
func documentFields(t *testing.T) map[string][]string {
	t.Helper()
	var reference bytes.Buffer
	require.NoError(t, orchestrator.Reference(&reference))
	tables := map[string]map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)`[^|]* \\| ([^|]*) \\|")
	for _, part := range strings.Split(reference.String(), "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		tables[title] = map[string][]string{}
		for _, m := range row.FindAllStringSubmatch(text, -1) {
			tables[title][m[1]] = regexp.MustCompile(`, | or `).Split(m[2], -1)
		}
	}
	all := map[string][]string{}
	var walk func(table, prefix string)
	walk = func(table, prefix string) {
		for name, values := range tables[table] {
			all[prefix+name] = values
			if tables[name] != nil {
				walk(name, prefix+name+".")
			}
		}
	}
	walk("Config", "")
	return all
}

var testLink = regexp.MustCompile("\\[`((?:Test|Fuzz|Benchmark)\\w+)`\\]\\(\\.\\./([^)]+_test\\.go)\\)")

// Every row names tests that exist; one of a fault that is not built says so,
// as long as it is true.
func TestTestsOfFaultsExist(t *testing.T) {
	t.Parallel()
	functions := testFunctions(t)
	for _, r := range slices.Concat(faultRows(t, "fault"), faultRows(t, "control"), faultRows(t, "theirs")) {
		cell := r.cells[len(r.cells)-1]
		links := testLink.FindAllStringSubmatch(cell, -1)
		for _, link := range links {
			require.Contains(t, functions[link[2]], link[1], "%s: %s", r.at(), link[2])
		}
		switch {
		case len(r.cells) == 3 && cell == "does not apply": // somebody else's fault, which has no place here
			require.Greater(t, len(strings.Fields(r.cells[1])), 5, "%s: say why", r.at())
		default:
			require.NotEmpty(t, links, "%s: no test", r.at())
			require.Len(t, strings.Split(cell, ", "), len(links), "%s: a test that is not written as one", r.at())
		}
	}
}

// testFunctions are the tests of the repository, by file.
func testFunctions(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, err := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		for _, m := range function.FindAllStringSubmatch(read(t, name), -1) {
			all[name] = append(all[name], m[1])
		}
		return err
	}))
	return all
}
