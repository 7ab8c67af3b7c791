package docs_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// imports are the packages that a block may use without importing them.
var imports = map[string]string{
	"assert":        "github.com/mockforge-go/mockforge/assert",
	"chaostest":     "github.com/mockforge-go/mockforge/chaostest",
	"injector":      "github.com/mockforge-go/mockforge/injector",
	"orchestrator":  "github.com/mockforge-go/mockforge/orchestrator",
	"server":        "github.com/mockforge-go/mockforge/server",
	"telemetry":     "github.com/mockforge-go/mockforge/server/telemetry",
	"trace":         "go.opentelemetry.io/otel/trace",
	"checkout":      "github.com/mockforge-go/mockforge/examples/checkout",
	"gobreaker":     "github.com/sony/gobreaker/v2",
	"retryablehttp": "github.com/hashicorp/go-retryablehttp",
	"require":       "github.com/stretchr/testify/require",
	"context":       "context",
	"errors":        "errors",
	"fmt":           "fmt",
	"http":          "net/http",
	"io":            "io",
	"net":           "net",
	"sync":          "sync",
	"testing":       "testing",
	"time":          "time",
}

// given is what statements may use without declaring it.
const given = `t *testing.T, env *chaostest.Env, step *chaostest.Step, shop *checkout.Service, provider trace.TracerProvider`

func TestGoBlocks(t *testing.T) {
	t.Parallel()
	exports := exportData(t)
	for _, b := range blocks(t, "go") {
		t.Run(b.name(), func(t *testing.T) {
			t.Parallel()
			if b.info["file"] != "" {
				sameFile(t, b)
				return
			}
			require.NoError(t, typeCheck(b.name(), b.text, exports))
		})
	}
}

// exportData finds what the compiler made of the packages that blocks use.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, path := range imports {
		args = append(args, path)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	return exports
}

// typeCheck reports whether Go code that stands at a line of a page compiles:
// a file, declarations, or statements. Imports may be left out, and what is
// declared need not be used.
func typeCheck(at, code string, exports map[string]string) error {
	fset := token.NewFileSet()
	mark := "//line " + at + "\n"
	var file *ast.File
	var err error
	for _, source := range []string{
		mark + code,
		"package p\n" + mark + code,
		"package p\nfunc _(" + given + ") {\n" + mark + code + "}\n",
	} {
		names := used(source)
		if !strings.HasPrefix(source, mark) {
			source = strings.Replace(source, "package p\n", "package p\n"+names, 1)
		}
		if file, err = parser.ParseFile(fset, "", source, 0); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	var wrong []error
	config := types.Config{
		Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
			if exports[path] == "" {
				return nil, fmt.Errorf("package %s is not among the imports of gocode_test.go", path)
			}
			return os.Open(exports[path])
		}),
		Error: func(err error) {
			var e types.Error
			if !errors.As(err, &e) || !e.Soft {
				wrong = append(wrong, err)
			}
		},
	}
	_, _ = config.Check("p", fset, []*ast.File{file}, nil) // its error is the first of wrong
	return errors.Join(wrong...)
}

// used writes the imports of the packages that a source names.
func used(source string) string {
	var out strings.Builder
	for name, path := range imports {
		if strings.Contains(source, name+".") {
			fmt.Fprintf(&out, "import %s %q\n", name, path)
		}
	}
	return out.String()
}

// The check has to find what does not compile.
func TestTypeCheckFindsMistakes(t *testing.T) {
	t.Parallel()
	exports := exportData(t)
	tests := []struct{ code, want string }{
		{"step.Load(50, shop.Checkout)\n", ""},
		{"func TestX(t *testing.T) { chaostest.Run(t, \"x.yaml\", nil) }\n", ""},
		{"step.Lod(50, shop.Checkout)\n", "page.md:7: step.Lod undefined"},
		{"step.Load(\"50\", shop.Checkout)\n", "page.md:7: cannot use \"50\""},
		{"step.Load(50\n", "page.md:7"},
	}
	for _, tt := range tests {
		err := typeCheck("page.md:7", tt.code, exports)
		if tt.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, tt.want)
		}
	}
}
