package matrix_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/Khan/genqlient/graphql"
	library "github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/relay"
)

const shopSchema = `
	type Query { cart(id: ID!): Cart  user: User }
	type Mutation { addItem(name: String!): Cart }
	type Cart { id: ID!  total: Float  items: [Item] }
	type Item { name: String!  price: Float }
	type User { name: String }`

// shop resolves the schema.
type shop struct{}

type cart struct {
	ID    library.ID
	Total *float64
	Items *[]*item
}

type item struct {
	Name  string
	Price *float64
}

type user struct{ Name *string }

func (*shop) Cart(args struct{ ID library.ID }) *cart {
	return &cart{ID: args.ID, Total: new(7.5), Items: &[]*item{{"tea", new(2.5)}, {"pot", new(5.0)}}}
}

func (*shop) User() *user { return &user{new("Ada")} }

func (*shop) AddItem(args struct{ Name string }) *cart {
	return &cart{ID: "1", Total: new(1.0), Items: &[]*item{{args.Name, new(1.0)}}}
}

// shopServer serves the schema, batches too: the library's own handler takes
// one operation.
func shopServer() http.Handler {
	schema := library.MustParseSchema(shopSchema, &shop{}, library.UseFieldResolvers())
	one := &relay.Handler{Schema: schema}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var batch []struct{ Query, OperationName string }
		if json.Unmarshal(body, &batch) != nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			one.ServeHTTP(w, r)
			return
		}
		var all []*library.Response
		for _, o := range batch {
			all = append(all, schema.Exec(r.Context(), o.Query, o.OperationName, nil))
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(all) // whether the client still reads is its own affair
	})
}

// shopData is what clients decode.
type shopData struct {
	Cart *struct {
		ID    string
		Total *float64
		Items []*struct {
			Name  string
			Price *float64
		}
	}
	User    *struct{ Name *string }
	AddItem *struct{ ID string }
}

const (
	cartQuery   = `query Cart($id: ID!) { cart(id: $id) { id total items { name price } } user { name } }`
	addMutation = `mutation Add($name: String!) { addItem(name: $name) { id } }`
)

func askCart(ctx context.Context, c graphql.Client, id string) (*shopData, error) {
	var out shopData
	err := c.MakeRequest(ctx, &graphql.Request{Query: cartQuery, OpName: "Cart", Variables: map[string]any{"id": id}}, &graphql.Response{Data: &out})
	return &out, err
}

func addItem(ctx context.Context, c graphql.Client, name string) error {
	return c.MakeRequest(ctx, &graphql.Request{Query: addMutation, OpName: "Add", Variables: map[string]any{"name": name}}, &graphql.Response{Data: &shopData{}})
}
