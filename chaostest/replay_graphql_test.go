package chaostest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// operate sends one operation, or a batch, and returns what came back.
func operate(step *chaostest.Step, body string) string {
	resp, err := step.Client().Post(step.URL+"/graphql", "application/json", strings.NewReader(body))
	require.NoError(step, err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	require.NoError(step, err)
	return string(out)
}

// An operation called name, with two fields at its top.
func operation(kind, name string) string { return `{"query":"` + kind + ` ` + name + ` { a b }"}` }

// recordGraphQL records a body of one step, in real time.
func recordGraphQL(t *testing.T, config injector.Config, body func(*chaostest.Step)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "graphql.chaos.jsonl")
	o := orchestrator.Orchestration{Name: "graphql", Steps: []orchestrator.Step{
		{Name: "errors", Duration: 20 * time.Second, Scenario: orchestrator.Scenario{Config: &config}}}}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		body(step)
		step.Clock().Advance(step.Clock().Remaining())
	}, chaostest.RealTime(), chaostest.EventLog(path))
	return path
}

// What was decided for an operation is decided for that one again, whatever
// others come to the same path before it.
func TestReplayPinsOperations(t *testing.T) {
	t.Parallel()
	path := recordGraphQL(t, injector.Config{GraphQL: &injector.GraphQL{Probability: new(1.0), Operations: []string{"Cart"}}}, func(step *chaostest.Step) {
		for range 3 {
			operate(step, operation("query", "Shop"))
			operate(step, operation("query", "Cart"))
		}
		operate(step, "["+operation("query", "Shop")+","+operation("query", "Cart")+"]")
	})
	reversed := func(step *chaostest.Step) {
		operate(step, "["+operation("query", "Shop")+","+operation("query", "Cart")+"]")
		for range 3 {
			require.Contains(step, operate(step, operation("query", "Cart")), "injected GraphQL error")
		}
		for range 3 {
			require.NotContains(step, operate(step, operation("query", "Shop")), "injected GraphQL error")
		}
	}
	got := chaostest.Replay(t, path, reversed, chaostest.ReplayStrict())
	require.Equal(t, 7, got.Repeated)
	require.Equal(t, got.Recording.Digest(), got.Digest)

	// Another operation is beyond the recording.
	got = chaostest.Replay(t, path, func(step *chaostest.Step) { operate(step, operation("query", "New")) })
	require.Equal(t, []int{0, 1}, []int{got.Repeated, got.Beyond})

	// A recording that does not say which operation was asked for goes by the
	// path.
	log, err := os.ReadFile(path)
	require.NoError(t, err)
	old := regexp.MustCompile(`"protocol":"graphql",|"operation":"[^"]*",|"top_fields":\[[0-9,]*\],`).ReplaceAllString(string(log), "")
	require.NotContains(t, old, `"operation":`)
	require.NoError(t, os.WriteFile(path, []byte(old), 0o600))
	got = chaostest.Replay(t, path, func(step *chaostest.Step) {
		for _, name := range []string{"Shop", "Cart", "Shop", "New", "Shop", "Cart"} {
			fails := name == "Cart" || name == "New"
			require.Equal(step, fails, strings.Contains(operate(step, operation("query", name)), "injected GraphQL error"), name)
		}
	}, chaostest.ReplayStrict())
	require.Equal(t, 6, got.Repeated)
}

// Operations that are sent in an open loop fail and are late as they were: what
// is sent for them is read as the same operation, also by a real server.
func TestReplaySendsOperations(t *testing.T) {
	t.Parallel()
	path := recordGraphQL(t, injector.Config{GraphQL: &injector.GraphQL{
		Probability: new(1.0), Operations: []string{"Cart", "Pay"}, ResolverLatency: new(true), ResolverDelay: new(20 * time.Millisecond),
		PartialDataProbability: new(1.0),
	}}, func(step *chaostest.Step) {
		operate(step, operation("query", "Cart"))
		operate(step, operation("mutation", "Shop"))
		operate(step, `{"query":"{ a }"}`)
		operate(step, `{"operationName":"Hash","extensions":{"persistedQuery":{"version":1}}}`)
		operate(step, "["+operation("query", "Shop")+","+operation("mutation", "Pay")+"]")
		get, err := step.Client().Get(step.URL + "/graphql?query=" + url.QueryEscape("query Get { a b c }"))
		require.NoError(step, err)
		require.NoError(step, get.Body.Close())
		operate(step, `{"no":"operation"}`)
	})
	var mu sync.Mutex
	var asked []string
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL.Query().Get("query"), strings.Trim(string(body), "\x00 ")))
		w.Header().Set("Content-Type", "application/json")
		answer := `{"data":{"f0":"Query"}}`
		if strings.HasPrefix(string(body), "[") {
			answer = "[" + answer + "]"
		}
		_, _ = io.WriteString(w, answer)
	})
	again := filepath.Join(t.TempDir(), "again.chaos.jsonl")
	got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict(), chaostest.Upstream(upstream), chaostest.EventLog(again))
	require.Equal(t, 7, got.Repeated)
	require.Equal(t, got.Recording.Digest(), got.Digest)
	slices.Sort(asked)
	require.Equal(t, []string{
		"GET query Get { f0: __typename f1: __typename f2: __typename }",
		"POST ",
		`POST [{"query":"query Shop { f0: __typename f1: __typename }"}]`,
		`POST {"operationName":"Hash","extensions":{"persistedQuery":{"version":1}}}`,
		`POST {"query":"mutation Shop { f0: __typename f1: __typename }"}`,
		`POST {"query":"query { f0: __typename }"}`,
	}, asked, "Cart and Pay have answers")
	log, err := os.ReadFile(again)
	require.NoError(t, err)
	require.Contains(t, string(log), `"operation":"query Shop; mutation Pay","top_fields":[2,2]`)
}
