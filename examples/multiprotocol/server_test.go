package multiprotocol_test

import (
	"bufio"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// The same document, customers and clients with the server between them and
// the backends, in real time.
func TestEveryProtocolOverTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds of real time")
	}
	at := map[string]string{}
	serve(t, func(target string) net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		at[target] = l.Addr().String()
		return l
	})
	url := mockforge(t,
		"--target", "orders=http://"+at["orders"],
		"--target", "prices=http://"+at["prices"],
		"--target", "products=http://"+at["products"],
		"--target", "stock=h2c://"+at["stock"]+",port="+freePort(t), // the path of a gRPC call has no room for the target's name
		"--target", "sessions=tcp://"+at["sessions"]+",port="+freePort(t))
	run(t, chaostest.Remote(url))
}

// mockforge builds and starts the server. It ends with the test.
func mockforge(t *testing.T, targets ...string) (url string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "mockforge")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "../../cmd/mockforge").CombinedOutput()
	require.NoError(t, err, "%s", out)

	cmd := exec.CommandContext(t.Context(), bin, append([]string{"serve", "--chaos", "--http-port", "0"}, targets...)...)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if after, ok := strings.CutPrefix(lines.Text(), "MockForge listens on "); ok {
			url = after
		}
		if strings.HasSuffix(lines.Text(), "/api/chaos/*") { // the last line
			return url
		}
	}
	require.Fail(t, "the server does not start")
	return ""
}

// freePort is below the ports that the system hands out, of which any may be
// taken by the time that the server listens.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}
