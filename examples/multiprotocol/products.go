package multiprotocol

import (
	"context"

	"github.com/shurcooL/graphql"
)

// A Product is what the catalogue says of one.
type Product struct {
	Name   string
	Rating *float64 // nil: not known
}

// Product asks the catalogue. An answer with errors is an error, and may come
// with part of the product.
func (s *Storefront) Product(ctx context.Context, id string) (Product, error) {
	var query struct {
		Product struct {
			Name   string
			Rating *float64
		} `graphql:"product(id: $id)"`
	}
	err := s.products.Query(ctx, &query, map[string]any{"id": graphql.ID(id)})
	return Product(query.Product), err
}
