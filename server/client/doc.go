// Package client talks to a mockforge server: it starts, follows and stops
// orchestrations, and changes what the server injects.
//
//	c, err := client.New("http://localhost:3000", client.WithToken(token))
//	…
//	started, err := c.Start(ctx, orchestration)
//	…
//	report, err := c.Wait(ctx, started.ID, nil)
//
// A call that the server refuses returns an *Error with its status code and,
// for an invalid document, every problem. A server that cannot be reached is
// ErrUnreachable.
//
// Every call has a deadline (WithTimeout) and every answer a largest size.
// Reads, and writes that may be repeated, are tried again when the connection
// fails; what may happen only once, such as a start, is tried again only while
// nothing was sent.
package client
