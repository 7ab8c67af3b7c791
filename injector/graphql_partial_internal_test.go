package injector

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nulling is a draw of a section with partial data at some paths.
func nulling(ordinal uint64, paths ...string) *partialDraw {
	g := &GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: paths, Message: "gone", ErrorCodes: []string{"GONE"}}
	return &partialDraw{rule: newGraphQLRule(g, "step", func(kind string) uint64 { return keyOf(1, kind) }), ordinal: ordinal}
}

func TestPartialDataPaths(t *testing.T) {
	t.Parallel()
	const gone = `{"message":"gone","path":%s,"extensions":{"code":"GONE"}}`
	for _, c := range []struct{ name, path, body, want string }{
		{"a member", "user.orders", `{"data":{"user":{"orders":[1],"id":7}}}`, `{"errors":[` + fmt.Sprintf(gone, `["user","orders"]`) + `],"data":{"user":{"orders":null,"id":7}}}`},
		{"each item", "items.*.price", ` {"data" : {"items" : [ {"price" : 1.50} , {"price":{"a":[2]}},{"other":1}, {"price":null} ]} } `,
			` {"errors":[` + fmt.Sprintf(gone, `["items",0,"price"]`) + "," + fmt.Sprintf(gone, `["items",1,"price"]`) +
				`],"data" : {"items" : [ {"price" : null} , {"price":null},{"other":1}, {"price":null} ]} } `},
		{"one item", "items.1", `{"data":{"items":[1,2,3]}}`, `{"errors":[` + fmt.Sprintf(gone, `["items",1]`) + `],"data":{"items":[1,null,3]}}`},
		{"items", "items.*", `{"data":{"items":[{},"b"]}}`, `{"errors":[` + fmt.Sprintf(gone, `["items",0]`) + "," + fmt.Sprintf(gone, `["items",1]`) + `],"data":{"items":[null,null]}}`},
		{"lists in lists", "m.*.*", `{"data":{"m":[[1],[],[2]]}}`, `{"errors":[` + fmt.Sprintf(gone, `["m",0,0]`) + "," + fmt.Sprintf(gone, `["m",2,0]`) + `],"data":{"m":[[null],[],[null]]}}`},
		{"own errors are kept", "a", `{"errors":[{"message":"own"}],"data":{"a":"\"}{"},"extensions":{}}`, `{"errors":[{"message":"own"},` + fmt.Sprintf(gone, `["a"]`) + `],"data":{"a":null},"extensions":{}}`},
		{"no own errors", "a", `{"data":{"a":true},"errors":[ ]}`, `{"data":{"a":null},"errors":[ ` + fmt.Sprintf(gone, `["a"]`) + `]}`},
		{"null errors", "a", `{"data":{"a":-1e9},"errors":null}`, `{"data":{"a":null},"errors":[` + fmt.Sprintf(gone, `["a"]`) + `]}`},
		{"escaped names", "aé", `{"data":{"a\u00e9":1}}`, `{"errors":[` + fmt.Sprintf(gone, `["aé"]`) + `],"data":{"a\u00e9":null}}`},
		{"not there", "user.orders", `{"data":{"user":{"cart":1}}}`, ""},
		{"a star is for lists", "user.*", `{"data":{"user":{"cart":1}}}`, ""},
		{"null already", "user.cart", `{"data":{"user":{"cart":null}}}`, ""},
		{"behind a null", "user.cart", `{"data":{"user":null}}`, ""},
		{"no data", "user", `{"errors":[{"message":"own"}]}`, ""},
		{"null data", "user", `{"data":null}`, ""},
		{"no object", "user", `[{"data":{"user":1}}]`, ""},
		{"no JSON", "user", `{"data":{"user":1}`, ""},
		{"empty", "user", ``, ""},
		{"too deep", "user", `{"data":{"user":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, string(nulling(0, c.path).nulled([]byte(c.body))))
		})
	}
}

// Of several paths one is chosen that the response has, by the key.
func TestPartialDataChoosesAPath(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for ordinal := range uint64(100) {
		got := nulling(ordinal, "a", "nowhere", "b.c").nulled([]byte(`{"data":{"a":1,"b":{"c":2}}}`))
		seen[string(got[strings.Index(string(got), `,"data"`):])]++
		require.Equal(t, got, nulling(ordinal, "a", "nowhere", "b.c").nulled([]byte(`{"data":{"a":1,"b":{"c":2}}}`)))
	}
	require.Len(t, seen, 2)
	require.Greater(t, seen[`,"data":{"a":null,"b":{"c":2}}}`], 25)
	require.Greater(t, seen[`,"data":{"a":1,"b":{"c":null}}}`], 25)
}

// Without paths a place is chosen that a schema would most likely let be null.
func TestPartialDataChoosesAPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		want []string // all the data that it may become
	}{
		{`{"data":{"user":{"id":1,"name":"x","tags":["a"]}}}`, []string{`{"user":null}`, `{"user":{"id":1,"name":null,"tags":["a"]}}`}},
		{`{"data":{"tags":[{"id":1}]}}`, []string{`{"tags":null}`}},
		{`{"data":{"id":1,"__typename":"T"}}`, []string{`{"id":null,"__typename":"T"}`, `{"id":1,"__typename":null}`}},
		{`{"data":{}}`, []string{`null`}},
		{`{"data":{"a":null}}`, []string{`null`}},
	} {
		seen := map[string]bool{}
		for ordinal := range uint64(100) {
			var got struct{ Data json.RawMessage }
			require.NoError(t, json.Unmarshal(nulling(ordinal).nulled([]byte(c.body)), &got))
			seen[string(got.Data)] = true
		}
		for _, w := range c.want {
			require.Contains(t, seen, w, c.body)
		}
		require.Len(t, seen, len(c.want), c.body)
	}
	require.Nil(t, nulling(0).nulled([]byte(`{"data":null}`)))
}

// FuzzGraphQLResponse: whatever an upstream answers, what comes of it is as
// valid as it was, and differs by nulls and errors only.
func FuzzGraphQLResponse(f *testing.F) {
	f.Add([]byte(`{"data":{"items":[{"price":1.5},{"price":null}],"user":{"name":"\u00e9\"}"}},"errors":[{"message":"own"}]}`), "items.*.price", uint64(3))
	f.Add([]byte(` [ {"data" : null} ] `), "", uint64(0))
	f.Add([]byte(`{"data":[[1],{}],"errors":null}`), "*.0", uint64(1))
	f.Fuzz(func(t *testing.T, body []byte, path string, ordinal uint64) {
		d := nulling(ordinal)
		if path != "" {
			d = nulling(ordinal, path)
		}
		got := d.nulled(body)
		if got == nil {
			return
		}
		var before, after map[string]any // the names are exact, where those of a struct are not
		require.NoError(t, json.Unmarshal(got, &after))
		require.NotEmpty(t, after["errors"])
		require.NoError(t, json.Unmarshal(body, &before))
		requireNulled(t, before["data"], after["data"])
	})
}

// requireNulled requires that two values differ by nulls only.
func requireNulled(t *testing.T, before, after any) {
	t.Helper()
	switch a := after.(type) {
	case nil:
	case map[string]any:
		b, ok := before.(map[string]any)
		require.True(t, ok)
		require.Len(t, a, len(b))
		for k, v := range a {
			require.Contains(t, b, k)
			requireNulled(t, b[k], v)
		}
	case []any:
		b, ok := before.([]any)
		require.True(t, ok)
		require.Len(t, a, len(b))
		for i, v := range a {
			requireNulled(t, b[i], v)
		}
	default:
		require.True(t, reflect.DeepEqual(before, after))
	}
}
