package multiprotocol_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
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
	bin := build(t)
	url := mockforge(t, bin,
		"--target", "orders=http://"+at["orders"],
		"--target", "prices=http://"+at["prices"],
		"--target", "products=http://"+at["products"],
		"--target", "stock=h2c://"+at["stock"]+",port="+freePort(t), // the path of a gRPC call has no room for the target's name
		"--target", "sessions=tcp://"+at["sessions"]+",port="+freePort(t))
	run(t, chaostest.Remote(url))
}

// build builds the server.
func build(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "mockforge")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "../../cmd/mockforge").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

// mockforge starts the server. It ends with the test.
func mockforge(t *testing.T, bin string, targets ...string) (url string) {
	t.Helper()
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

// portsTaken counts the ports that freePort has looked at.
var portsTaken atomic.Int64

// freePort is a port for a server that is started later. It is below those that
// the system hands out, of which any may be taken by then, and no other call
// gets it.
func freePort(t *testing.T) string {
	t.Helper()
	const first, ports = 20_000, 10_000
	for range ports {
		n := int64(os.Getpid())*100 + portsTaken.Add(1) // where processes beside this one look elsewhere
		port := strconv.FormatInt(first+n%ports, 10)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}
