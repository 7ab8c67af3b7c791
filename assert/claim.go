package assert

import (
	"cmp"
	"errors"
	"fmt"
)

// A claim is an expectation of this package: one that has text. Others may
// implement Expectation too; they can be checked and combined, not encoded.
type claim interface {
	Expectation
	on(Side) (Expectation, error)
	describe() []Subject
	evidence(Results) []string // for a claim that should not have held, too
}

// Server makes an expectation, or each member of a combined one, about what
// the chaos server saw: Server(ErrorRate().AtMost(0.12)). It panics when the
// server does not measure it, as with latencies. Func is left as it is.
func Server(e Expectation) Expectation { return mustBeOn(ServerSide, e) }

// Client is Server's opposite: what the caller saw. It is the default, except
// that a name in CircuitBreaker or State that only the chaos server knows means
// the server's.
func Client(e Expectation) Expectation { return mustBeOn(ClientSide, e) }

func mustBeOn(side Side, e Expectation) Expectation {
	moved, err := onSide(side, e)
	if err != nil {
		panic(fmt.Sprintf("assert: %s: %v", e, err))
	}
	return moved
}

func onSide(side Side, e Expectation) (Expectation, error) {
	if c, ok := e.(claim); ok {
		return c.on(side)
	}
	return e, nil
}

func clientOnly(c claim, subject string, side Side) (Expectation, error) {
	if side == ServerSide {
		return nil, errClientOnly(subject)
	}
	return c, nil
}

func errClientOnly(subject string) error {
	return errors.New(subject + " is the client's; the chaos server does not measure it")
}

func errServerOnly(subject string) error {
	return errors.New(subject + " is the chaos server's; the client does not measure it")
}

func sideOf(server bool) Side {
	if server {
		return ServerSide
	}
	return ClientSide
}

func evidenceOf(e Expectation, r Results) []string {
	if c, ok := e.(claim); ok {
		return c.evidence(r)
	}
	return nil
}

// mustOrder refuses between with its ends the wrong way round.
func mustOrder[T cmp.Ordered](op operator, subject string, a, b T) {
	if op == between && a > b {
		panic(fmt.Sprintf("assert: %s between %v and %v: the smaller one comes first", subject, a, b))
	}
}
