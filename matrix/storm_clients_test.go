package matrix_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
)

func (s *stormer) web(ctx context.Context, step *chaostest.Step, c *stormClient) error {
	method, body := "GET", ""
	if c.IntN(2) == 0 {
		method, body = "POST", strings.Repeat("x", c.IntN(1500))
	}
	url := fmt.Sprintf("%s/%s/%d", s.env.Target("web").URL, []string{"orders", "users"}[c.IntN(2)], c.id)
	header := http.Header{}
	if c.IntN(2) == 0 {
		header.Set("X-Kind", "a")
	}
	switch c.IntN(6) {
	case 0:
		header.Set("X-Mockforge-Fault-Delay-Ms", "20")
		header.Set("X-Mockforge-Fault-Delay-Percentage", "50")
	case 1:
		header.Set("X-Mockforge-Fault-Status", "418")
	}
	return ask(ctx, step, method, url, body, header)
}

func (s *stormer) graph(ctx context.Context, step *chaostest.Step, c *stormClient) error {
	operation := func() string {
		return []string{
			`{"query":"query Cart { cart(id: 1) { id total items { name price } } user { name } }"}`,
			`{"query":"mutation Add { addItem(name: \"x\") { id } }"}`,
			`{"query":"{ user { name } }"}`,
		}[c.IntN(3)]
	}
	body := operation()
	if c.IntN(3) == 0 {
		body = "[" + operation() + "," + operation() + "]"
	}
	return ask(ctx, step, "POST", s.env.Target("graph").URL+"/graphql", body, http.Header{"Content-Type": {"application/json"}})
}

// ask reads an answer whole.
func ask(ctx context.Context, step *chaostest.Step, method, url, body string, header http.Header) error {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	resp, err := step.Client().Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (s *stormer) calls(ctx context.Context, step *chaostest.Step, c *stormClient) error {
	return step.Do(func(context.Context) error {
		var err error
		if method := []string{"Charge", "Watch", "Upload", "Chat"}[c.IntN(4)]; method == "Charge" {
			_, err = charge(ctx, c.conn, fmt.Sprint(c.id))
		} else {
			_, _, err = converse(ctx, c.conn, method, []string{"a", "b", "c"}[:1+c.IntN(3)]...)
		}
		return err
	})
}

func (s *stormer) feed(ctx context.Context, step *chaostest.Step, c *stormClient) error {
	return step.Do(func(context.Context) error {
		conn, err := s.dial[c.id%2](ctx, fmt.Sprintf("%s/chat/%d", s.env.Target("feed").URL, c.id))
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, conn.close)()
		defer conn.close()
		for i := range 1 + c.IntN(20) {
			if conn.send(fmt.Sprintf("message %d", i)) != nil {
				return nil // what it ended with is read
			}
			for waited := time.After(c.upTo(45)); waited != nil; {
				select {
				case r := <-conn.received():
					if r.err != nil {
						return r.err
					}
				case <-waited:
					waited = nil
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
}

func (s *stormer) cache(ctx context.Context, step *chaostest.Step, c *stormClient) error {
	return step.Do(func(context.Context) error {
		conn, err := s.env.Target("cache").Dial(ctx, "tcp", "")
		if err != nil {
			return err
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // it is gone either way
		in := bufio.NewReader(conn)
		for i := range 1 + c.IntN(8) {
			if _, err := fmt.Fprintf(conn, "line %d %s\n", i, strings.Repeat("y", c.IntN(200))); err != nil {
				return err
			}
			if c.IntN(3) > 0 {
				if _, err := in.ReadString('\n'); err != nil {
					return err
				}
			}
			if c.IntN(2) == 0 {
				time.Sleep(c.upTo(50))
			}
		}
		return nil
	})
}
