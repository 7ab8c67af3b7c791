package childprocess_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/childprocess"
)

// The process under test is this binary again, started with this variable.
const inventoryVariable = "PRICES_INVENTORY"

func TestMain(m *testing.M) {
	if url := os.Getenv(inventoryVariable); url != "" {
		os.Exit(childprocess.Main(url))
	}
	os.Exit(m.Run())
}

// A service in a process of its own has its own clock: it is tested in real
// time, with the chaos server between it and its inventory. The document takes
// two minutes and a half; each step is over when it has seen 25 operations
// succeed.
func TestPricesInAnotherProcess(t *testing.T) {
	t.Parallel()
	var url string
	chaostest.Run(t, "testdata/inventory.yaml", func(step *chaostest.Step) {
		go func() {
			for range step.Every(10 * time.Millisecond) {
				if r := step.Results(); r.Operations()-r.Failed() >= 25 {
					step.Clock().Advance(time.Hour) // to the step's end, and over the next delay
				}
			}
		}()
		step.Load(100, func(ctx context.Context) error {
			stale, err := price(ctx, step.Client(), url)
			if err == nil && stale && step.Spec.Name == "recovery" {
				err = errors.New("the price is stale")
			}
			return err
		})
	}, chaostest.RealTime(), chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("inventory", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "19.90") }))
		url = start(env, env.Target("inventory").URL)
	}))
}

// start starts the service and returns its URL. It ends with the run.
func start(env *chaostest.Env, inventory string) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inventoryVariable+"="+inventory)
	cmd.Stderr = env.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(env, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(env, err)
	require.NoError(env, cmd.Start())
	env.Cleanup(func() {
		require.NoError(env, stdin.Close())
		require.NoError(env, cmd.Wait())
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(env, err)
	return strings.TrimSpace(line)
}

// price asks the service, and reports whether the answer was an old one.
func price(ctx context.Context, client *http.Client, url string) (stale bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("Warning") != "", err
}
