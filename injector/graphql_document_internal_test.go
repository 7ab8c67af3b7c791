package injector

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseOperation(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100)
	for _, c := range []struct {
		name, document, operationName string
		want                          operation
	}{
		{"shorthand", `{ cart { id } }`, "", operation{"query", "", 1}},
		{"named", `query Cart($id: ID! = "x", $n: [Int] = [1 2]) @live { cart(id: $id) { id items(first: $n) { price } } user }`, "", operation{"query", "Cart", 2}},
		{"mutation", `mutation Pay{pay(input:{amount:1.5e3,list:[{a:ENUM}]}){ok}}`, "", operation{"mutation", "Pay", 1}},
		{"subscription without a name", `subscription @x(y: "}") { a }`, "", operation{"subscription", "", 1}},
		{"aliases are response names", `{ a: x b: x c: x }`, "", operation{"query", "", 3}},
		{"merged fields count once", `{ a a: b a(x: 1) @skip(if: $x) }`, "", operation{"query", "", 1}},
		{"chosen by name", `query A { a } query B { a b }`, "B", operation{"query", "B", 2}},
		{"comments and commas", "# {\n,,query # Nope\rA,{#}\n a,b }#", "", operation{"query", "A", 2}},
		{"byte order mark", "\ufeff{ a }", "", operation{"query", "", 1}},
		{"strings", `{ a(x: "\"}{", y: """ }" \""" """) b(z: "") }`, "", operation{"query", "", 2}},
		{"descriptions", `"""what it is""" query A { a }`, "", operation{"query", "A", 1}},
		{"fragments", `query A { a ...F ...{ c } ... on Query @x { d ...G } ...Unknown } fragment F on Query { b a ...F ...G } fragment G on Query { e }`, "", operation{"query", "A", 5}},
		{"a field named like a keyword", `{ query fragment on: mutation }`, "", operation{"query", "", 3}},
		{"a long name", "query " + long + "{ a }", long, operation{"query", long, 1}},
		{"deep", `{a` + strings.Repeat("{a", 500) + strings.Repeat("}", 501), "", operation{"query", "", 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOperation(c.document, c.operationName)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// What is not understood passes: none of this is taken for an operation.
func TestParseOperationRefuses(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		"", "shoes", "select * from users", "{", "{}", "{ a", "{ a }}", "{ a(", "{ a(] }", "{ a(x: ]) }", "query", "query A", "query A { a } query B { a }",
		"query A { a } { b }", "{ a } fragment F { b }", "{ a } fragment on on Query { b }", "{ a } fragment F on X { b } fragment F on X { c }",
		`{ a(x: "`, "{ a(x: \"\n\") }", `{ a(x: """) }`, "type Query { a: Int }", "schema { query: Q }", "{ a: }", "{ a @ }", "{ ... on }", "{ ... }", "{ .. }",
		"{ é }", "fragment F on Query { a }", `{ "a" }`, "{a" + strings.Repeat("{a", 600) + strings.Repeat("}", 601),
		strings.Repeat("{...", 100) + "{a}" + strings.Repeat("}", 100),
	} {
		_, err := parseOperation(document, "")
		require.Error(t, err, document)
	}
	_, err := parseOperation("query A { a }", "B")
	require.Error(t, err, "an operation that is not there")
}

// FuzzGraphQLDocument: whatever comes over the network, parsing ends, and says
// the same of the same document written differently.
func FuzzGraphQLDocument(f *testing.F) {
	f.Add(`query Cart($id: ID!) @live { cart(id: $id) { id } ...F } fragment F on Query { a: b(x: "}") }`, "Cart")
	f.Add(`{ a(x: """ \""" """) ... on Query { b } }`, "")
	f.Add("mutation{a}#", "")
	f.Fuzz(func(t *testing.T, document, name string) {
		got, err := parseOperation(document, name)
		if err != nil {
			require.Zero(t, got)
			return
		}
		require.Contains(t, []string{typeQuery, typeMutation, typeSubscription}, got.kind)
		require.True(t, got.name == "" || isName(got.name))
		require.True(t, name == "" || got.name == name)
		require.LessOrEqual(t, got.fields, len(document))
		again, err := parseOperation(" ,"+document+"\n# }\n", name)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
