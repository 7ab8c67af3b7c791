package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// documentedPort is where a server of the pages listens. Here each has a port
// of its own; what commands print is put back.
const documentedPort = "3000"

var (
	documentedAddress = regexp.MustCompile(`(localhost:|127\.0\.0\.1:|--http-port )` + documentedPort + `\b`)
	documentedService = regexp.MustCompile(`http://(127\.0\.0\.1|localhost):(90\d\d)\b`)
)

// binary builds the command line into a directory that goes on PATH.
func binary(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", dir+string(filepath.Separator), "./cmd/mockforge")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// A rig is where the commands of a block run: with the command line on PATH
// and, where the block says so, a server and the services behind it.
type rig struct {
	env     []string
	there   *strings.Replacer // from the page's addresses to real ones
	back    *strings.Replacer
	port    string // of the server
	command string // that the page starts it with
	greets  string // what it prints until it listens
}

func newRig(t *testing.T, b block, bin string) *rig {
	t.Helper()
	r := &rig{there: strings.NewReplacer(), back: strings.NewReplacer()}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH":
			r.env = append(r.env, "PATH="+bin+string(os.PathListSeparator)+value)
		case !strings.HasPrefix(name, "CHAOSTEST_") && !strings.HasPrefix(name, "MOCKFORGE_"):
			r.env = append(r.env, variable)
		}
	}
	flags, ok := b.info["server"]
	if !ok {
		return r
	}
	var there, back []string
	for _, m := range documentedService.FindAllStringSubmatch(b.text+flags, -1) {
		url := service(t, m[2])
		there, back = append(there, m[0], url), append(back, url, m[0])
	}
	r.port = freePort(t)
	back = append(back, ":"+r.port, ":"+documentedPort)
	r.there, r.back = strings.NewReplacer(there...), strings.NewReplacer(back...)
	r.env = append(r.env, "MOCKFORGE_BASE_URL=http://127.0.0.1:"+r.port)
	r.command = strings.TrimSpace("mockforge serve " + flags)
	r.serve(t)
	return r
}

// toReal puts the addresses of this run into a command of the page.
func (r *rig) toReal(command string) string {
	command = r.there.Replace(command)
	if r.port != "" {
		command = documentedAddress.ReplaceAllString(command, "${1}"+r.port)
	}
	return command
}

// serve starts the server of the page, and ends it with the test.
func (r *rig) serve(t *testing.T) {
	t.Helper()
	var out lockedBuffer
	ctx, end := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+r.there.Replace(r.command)+" --http-port "+r.port)
	cmd.Env, cmd.Dir = r.env, t.TempDir()
	cmd.Stdout = &out // its log is on standard error
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		end()
		_ = cmd.Wait() // it was killed
	})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "/api/chaos/*\n") }, time.Minute, 10*time.Millisecond,
		"%s does not start", r.command)
	r.greets = r.back.Replace(out.String())
}

// service is what stands behind the server of a page: it says which port of
// the page it is, and what it was asked.
func service(t *testing.T, port string) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s: %s %s\n", port, r.Method, r.URL)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// portsTaken counts the ports that freePort has looked at.
var portsTaken atomic.Int64

// freePort is a port for a server that is started later. It is below those that
// the system hands out, of which any may be taken by then, and no other test of
// this process gets it.
func freePort(t *testing.T) string {
	t.Helper()
	const first, ports = 20_000, 10_000
	for range ports {
		n := int64(os.Getpid())*100 + portsTaken.Add(1) // where processes beside this one look elsewhere
		port := strconv.FormatInt(first+n%ports, 10)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// A lockedBuffer takes what a process prints while a test reads it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
