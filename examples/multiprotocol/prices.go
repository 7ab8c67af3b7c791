package multiprotocol

import (
	"context"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A Price is one message of the feed.
type Price struct {
	N     int     `json:"n"` // rises by one from message to message
	Price float64 `json:"price"`
}

// Prices reads the feed of a product until it has want prices, or the feed
// ends. What came before the end is returned with the error.
func (s *Storefront) Prices(ctx context.Context, id string, want int) ([]Price, error) {
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.prices, "http")+"/prices/"+id, &websocket.DialOptions{HTTPClient: s.web})
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseNow() }()
	var prices []Price
	for len(prices) < want {
		var p Price
		if err := wsjson.Read(ctx, conn, &p); err != nil {
			return prices, err
		}
		prices = append(prices, p)
	}
	return prices, conn.Close(websocket.StatusNormalClosure, "")
}
