package injector_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// The answers to a batch stand in the order asked, however large or deep the
// upstream's are: what is not understood of them passes.
func TestGraphQLBatchOfLargeAnswers(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		for name, data := range map[string]string{
			"large": `{"data":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`,
			"deep":  `{"data":` + strings.Repeat(`[`, 400) + strings.Repeat(`]`, 400) + `}`,
		} {
			in, client, at := rig(&graphServer{data: data})
			in.Apply(graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"A"}, Message: "no"}))
			other := graph(injector.GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: []string{"a"}})
			other.Name = "other"
			in.Apply(other)
			resp, body := postJSON(t, client, at, "["+op("query", "A")+","+op("query", "B")+"]")
			want := `[{"errors":[{"message":"no","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null},` + data + "]"
			require.Zero(t, strings.Compare(want, body), "%s: %.200s", name, body)
			require.Equal(t, int64(len(body)), resp.ContentLength)
		}
	})
}

// What says something about the upstream's bytes goes where they are changed,
// and stays where they are not.
func TestGraphQLPartialDataAndDigests(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		names := []string{"Etag", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest"}
		up := &graphServer{header: http.Header{"X-Own": {"1"}}}
		for _, n := range names {
			up.header[n] = []string{"x"}
		}
		in, client, at := rig(up)
		in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: []string{"name"}}))
		resp, body := postJSON(t, client, at, op("query", "Cart"))
		require.Contains(t, body, `"name":null`)
		require.Equal(t, "1", resp.Header.Get("X-Own"))
		for _, n := range names {
			require.Empty(t, resp.Header.Get(n), n)
		}
		up.data = `{"data":{"other":1}}`
		resp, body = postJSON(t, client, at, op("query", "Cart"))
		same(t, up.data, body)
		for _, n := range names {
			require.Equal(t, "x", resp.Header.Get(n), n)
		}
	})
}

// A response that is shorter than it says is not made whole.
func TestGraphQLPartialDataOfAShortResponse(t *testing.T) {
	t.Parallel()
	short := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"data":{"name":"x"}}`)
	})
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		in, client, at := rig(short)
		in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0)}))
		resp, err := client.Post(at, "application/json", strings.NewReader(op("query", "Cart")))
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		same(t, `{"data":{"name":"x"}}`, string(body))
	})
}

// A connection that cannot be taken over, as of HTTP/2, is answered as the
// upstream wants.
func TestGraphQLPartialDataWithoutHijacking(t *testing.T) {
	t.Parallel()
	in := injector.New()
	h := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _, err := http.NewResponseController(w).Hijack()
		http.Error(w, fmt.Sprint(err), http.StatusTeapot)
	}))
	in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0)}))
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(op("query", "Cart")))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusTeapot, w.Code)
	same(t, "feature not supported\n", w.Body.String())
}

// What comes in parts comes part by part, as it was sent: results of @defer, and
// events.
func TestGraphQLPartialDataOfParts(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		for _, kind := range []string{`multipart/mixed; boundary="-"; deferSpec=20220824`, "text/event-stream"} {
			parts, heard := []string{"---\r\nContent-Type: application/json\r\n\r\n{\"data\":{\"a\":1},\"hasNext\":true}\r\n", "-----\r\n"}, make(chan struct{})
			in, client, at := rig(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, parts[0])
				_ = http.NewResponseController(w).Flush()
				<-heard
				_, _ = io.WriteString(w, parts[1])
			}))
			in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0)}))
			resp, err := client.Post(at, "application/json", strings.NewReader(op("query", "Cart")))
			require.NoError(t, err)
			defer resp.Body.Close()
			first := make([]byte, len(parts[0]))
			_, err = io.ReadFull(resp.Body, first)
			close(heard)
			require.NoError(t, err)
			rest, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			same(t, parts[0]+parts[1], string(first)+string(rest))
			require.Empty(t, resp.Header.Get("X-Mockforge-Fault"))
		}
	})
}
