package multiprotocol

import (
	"context"

	"google.golang.org/protobuf/types/known/wrapperspb"
)

// StockMethod is the method of the stock service that the storefront calls. It
// takes a product's id and returns how many there are.
const StockMethod = "/shop.Stock/Count"

// Stock says how many of a product there are.
func (s *Storefront) Stock(ctx context.Context, id string) (int64, error) {
	var count wrapperspb.Int64Value
	err := s.stock.Invoke(ctx, StockMethod, wrapperspb.String(id), &count)
	return count.GetValue(), err
}
