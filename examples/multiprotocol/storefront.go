// Package multiprotocol is a storefront whose backends speak five protocols:
// orders over HTTP, stock over gRPC, prices over WebSocket, products over
// GraphQL, and sessions over Redis's own protocol on TCP. Each has its own
// client, its own errors, and its own way to go on without the backend.
package multiprotocol

import (
	"net/http"

	"github.com/redis/go-redis/v9"
	"github.com/shurcooL/graphql"
	"google.golang.org/grpc"
)

// A Storefront is safe for concurrent use.
type Storefront struct {
	web      *http.Client
	orders   string // base URL
	prices   string // base URL; the feed is at /prices
	stock    grpc.ClientConnInterface
	products *graphql.Client
	sessions *redis.Client
}

// New returns a storefront. web is used for orders, prices and products.
func New(web *http.Client, orders, prices, products string, stock grpc.ClientConnInterface, sessions *redis.Client) *Storefront {
	return &Storefront{
		web: web, orders: orders, prices: prices, stock: stock, sessions: sessions,
		products: graphql.NewClient(products, web),
	}
}
