package multiprotocol_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/coder/websocket"
	"google.golang.org/grpc/status"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/multiprotocol"
)

// The customers use one client each, over and over, and check what they saw.
type customers struct{ *multiprotocol.Storefront }

func (c *customers) order(step *chaostest.Step) {
	var seen seen
	step.Load(20, func(ctx context.Context) error {
		_, err := c.Order(ctx, "42")
		known := ""
		if code, ok := errors.AsType[multiprotocol.StatusError](err); ok {
			known = strconv.Itoa(int(code))
		}
		return seen.as(known, err)
	})
	seen.requireOnly(step, "500", "503")
}

func (c *customers) count(step *chaostest.Step) {
	var seen seen
	step.Load(20, func(ctx context.Context) error {
		_, err := c.Stock(ctx, "42")
		known := ""
		if s := status.Convert(err); strings.Contains(s.Message(), step.Spec.Name) { // it says which step injected it
			known = s.Code().String()
		}
		return seen.as(known, err)
	})
	seen.requireOnly(step, "Unavailable", "ResourceExhausted")
}

func (c *customers) watch(step *chaostest.Step) {
	var seen seen
	step.Load(5, func(ctx context.Context) error {
		prices, err := c.Prices(ctx, "42", 5)
		if n := len(prices); n > 0 && prices[n-1].N >= n {
			seen.also("lost prices")
		}
		known := ""
		if end, ok := errors.AsType[websocket.CloseError](err); ok && end.Reason == "the feed restarts" {
			known = end.Code.String()
		}
		return seen.as(known, err)
	})
	seen.requireOnly(step, "StatusServiceRestart", "lost prices")
}

func (c *customers) browse(step *chaostest.Step) {
	var seen seen
	step.Load(20, func(ctx context.Context) error {
		product, err := c.Product(ctx, "42")
		known := ""
		switch {
		case err == nil || !strings.Contains(err.Error(), step.Spec.Name):
		case product.Name == "":
			known = "no product"
		case product.Rating == nil:
			known = "no rating"
		}
		return seen.as(known, err)
	})
	seen.requireOnly(step, "no product", "no rating")
}

func (c *customers) login(step *chaostest.Step) {
	var seen seen
	step.Load(40, func(ctx context.Context) error {
		user, err := c.User(ctx, "42")
		if err == nil && user != "ada" {
			err = fmt.Errorf("the session is of %q", user)
		}
		known := ""
		if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) { // EPIPE: a reset that met a write, on a real socket
			known = "reset"
		}
		return seen.as(known, err)
	})
	seen.requireOnly(step, "reset")
}
