package chaostest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// racers is eight clients with a common breaker that work in lockstep: their
// pauses and the delays of the chaos are multiples of each other, so that
// without the stagger they would meet at every turn, and two requests of one
// operation always go out at one instant. Only their starts differ, by less
// than a microsecond: who of several goroutines of the code under test comes
// first at one instant is its own race.
type racers struct {
	url     string
	client  *http.Client
	breaker *gobreaker.CircuitBreaker[int]

	mu  sync.Mutex
	log []string // what the clients saw
}

func (r *racers) get(ctx context.Context, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		return resp.StatusCode, errors.New(resp.Status)
	}
	return resp.StatusCode, nil
}

// both sends two requests at once, and fails if one does.
func (r *racers) both(ctx context.Context, client int, seen *[2]string) error {
	var pair sync.WaitGroup
	var errs [2]error
	for i := range seen {
		pair.Go(func() {
			var status int
			status, errs[i] = r.get(ctx, fmt.Sprintf("/client/%d/%d", client, i))
			seen[i] = fmt.Sprint(status, " ", errs[i])
		})
	}
	pair.Wait()
	return errors.Join(errs[:]...)
}

func (r *racers) race(step *chaostest.Step) {
	start := time.Now()
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			time.Sleep(time.Duration(c) * 100 * time.Nanosecond)
			for n := 0; step.Context().Err() == nil; n++ {
				var seen [2]string
				err := step.Do(func(ctx context.Context) error {
					_, err := r.breaker.Execute(func() (int, error) { return 0, r.both(ctx, c, &seen) })
					return err
				})
				r.mu.Lock()
				r.log = append(r.log, fmt.Sprintf("%s %v c%d n%d %q %v", step.Spec.Name, time.Since(start), c, n, seen, err))
				r.mu.Unlock()
				pause := 20 * time.Millisecond
				if err != nil {
					pause = 90 * time.Millisecond
				}
				time.Sleep(pause)
			}
		})
	}
	clients.Wait()
}

// run takes the racers through the orchestration and returns the digests of
// the event log and of what the clients saw.
func (r *racers) run(t *testing.T) (events, seen string) {
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	chaostest.Run(t, "testdata/racers.yaml", r.race, r.setup(), chaostest.Seed(7), chaostest.EventLog(path))
	return digestOf(t, path), r.digest()
}

func (r *racers) setup() chaostest.Option {
	return chaostest.Setup(func(env *chaostest.Env) {
		push := env.Track("shared")
		r.url, r.client = env.URL, env.Client()
		r.breaker = gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
			Timeout:       100 * time.Millisecond,
			MaxRequests:   2,
			ReadyToTrip:   func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= 4 },
			OnStateChange: func(_ string, _, to gobreaker.State) { push(to.String()) },
		})
	})
}

func (r *racers) digest() string {
	slices.Sort(r.log) // clients that finish at one instant append in any order
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(r.log, "\n"))))
}

func digestOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Greater(t, len(data), 10_000)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// One seed, one run: the same event log, byte for byte, and the same outcome
// for every client, whatever GOMAXPROCS and with or without -race. The golden
// file makes plain and -race builds compare with each other.
func TestOneSeedOneRun(t *testing.T) { // not parallel: it changes GOMAXPROCS
	runs := repetitions()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	seen := map[string]int{}
	for _, procs := range []int{1, 2, 4, 5} {
		runtime.GOMAXPROCS(procs)
		for i := range runs {
			t.Run(fmt.Sprintf("procs=%d/%d", procs, i), func(t *testing.T) {
				events, clients := new(racers).run(t)
				seen["events  "+events+"\nclients "+clients+"\n"]++
			})
		}
	}
	require.Len(t, seen, 1, "distinct pairs of digests in %d runs", 4*runs)
	for got := range seen {
		if *update {
			require.NoError(t, os.WriteFile("testdata/racers.golden", []byte(got), 0o644))
		}
		want, err := os.ReadFile("testdata/racers.golden")
		require.NoError(t, err)
		require.Equal(t, string(want), got, "after a change of the engine, run with -update")
	}
}

// repetitions is how often a run is repeated. The race detector takes ten times
// as long: there, all of them are for the long gate.
func repetitions() int {
	info, ok := debug.ReadBuildInfo()
	race := ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	switch {
	case testing.Short():
		return 2
	case race && os.Getenv("CI_LONG") == "":
		return 5
	}
	return 20
}

// TestRacers is for TestSelectedStepSameDigest to run.
func TestRacers(t *testing.T) {
	r := &racers{}
	chaostest.Run(t, "testdata/racers.yaml", r.race, r.setup(), chaostest.Seed(7))
}

// Selecting one step with -run changes no event: the other steps run muted.
func TestSelectedStepSameDigest(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/racers.golden")
	require.NoError(t, err)
	for _, pattern := range []string{"^TestRacers$", "^TestRacers$/^limits$", "^TestRacers$/^recovery$"} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", pattern, "-test.v", "-test.timeout=170s")
			cmd.Env = append(os.Environ(), "CHAOSTEST_EVENT_LOG="+path)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(want), digestOf(t, path))
		})
	}
}
