package matrix_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// A chat is a WebSocket connection of one library. Messages are read all the
// time, as programs do that answer pings.
type chat interface {
	send(message string) error
	ping() error // until the pong
	close()
	received() <-chan received
	extensions() string // that the upstream agreed to
}

// agreed is what was agreed on in the handshake.
type agreed struct{ http.Header }

func (a agreed) extensions() string { return a.Get("Sec-WebSocket-Extensions") }

// received is a message, or why there are no more.
type received struct {
	text   string
	code   int // of the close frame; 0: none
	reason string
	err    error
	at     time.Time
}

// A dialer opens a chat. Its error is the status of a handshake that failed.
type dialer func(ctx context.Context, url string) (chat, error)

// dialers are those of the libraries, on one network. Both offer to compress, as
// browsers do.
func dialers(client *http.Client, dial func(ctx context.Context, network, addr string) (net.Conn, error)) []dialer {
	return []dialer{dialCoder(client), dialGorilla(dial)}
}

type badHandshake int

func (e badHandshake) Error() string { return http.StatusText(int(e)) }

type coderChat struct {
	agreed
	conn     *coder.Conn
	messages chan received
}

// dialCoder dials with a client, which is how that library is given a network.
func dialCoder(client *http.Client) dialer {
	options := coder.DialOptions{HTTPClient: client, CompressionMode: coder.CompressionContextTakeover, CompressionThreshold: 1}
	return func(ctx context.Context, url string) (chat, error) {
		conn, resp, err := coder.Dial(ctx, url, &options)
		if err != nil {
			if resp != nil {
				err = badHandshake(resp.StatusCode)
			}
			return nil, err
		}
		c := &coderChat{agreed{resp.Header}, conn, make(chan received, 100)}
		go c.read() // ends with the connection
		return c, nil
	}
}

func (c *coderChat) read() {
	defer close(c.messages)
	for {
		_, b, err := c.conn.Read(context.Background())
		r := received{text: string(b), err: err, at: time.Now()}
		if closed, ok := errors.AsType[coder.CloseError](err); ok {
			r.code, r.reason = int(closed.Code), closed.Reason
		}
		c.messages <- r
		if err != nil {
			return
		}
	}
}

func (c *coderChat) received() <-chan received { return c.messages }
func (c *coderChat) close()                    { _ = c.conn.CloseNow() }
func (c *coderChat) ping() error               { return c.conn.Ping(context.Background()) }
func (c *coderChat) send(message string) error {
	return c.conn.Write(context.Background(), coder.MessageText, []byte(message))
}

type gorillaChat struct {
	agreed
	conn     *gorilla.Conn
	messages chan received
	pongs    chan struct{}
}

// dialGorilla dials with a function, which is how that library is given a
// network.
func dialGorilla(dial func(ctx context.Context, network, addr string) (net.Conn, error)) dialer {
	return func(ctx context.Context, url string) (chat, error) {
		d := gorilla.Dialer{NetDialContext: dial, EnableCompression: true}
		conn, resp, err := d.DialContext(ctx, strings.Replace(url, "http", "ws", 1), nil)
		if err != nil {
			if resp != nil {
				err = badHandshake(resp.StatusCode)
			}
			return nil, err
		}
		c := &gorillaChat{agreed{resp.Header}, conn, make(chan received, 100), make(chan struct{}, 100)}
		conn.SetPongHandler(func(string) error {
			c.pongs <- struct{}{}
			return nil
		})
		go c.read() // ends with the connection
		return c, nil
	}
}

func (c *gorillaChat) read() {
	defer close(c.messages)
	for {
		_, b, err := c.conn.ReadMessage()
		r := received{text: string(b), err: err, at: time.Now()}
		if closed, ok := errors.AsType[*gorilla.CloseError](err); ok {
			r.code, r.reason = closed.Code, closed.Text
		}
		c.messages <- r
		if err != nil {
			return
		}
	}
}

func (c *gorillaChat) received() <-chan received { return c.messages }
func (c *gorillaChat) close()                    { _ = c.conn.Close() }
func (c *gorillaChat) send(message string) error {
	return c.conn.WriteMessage(gorilla.TextMessage, []byte(message))
}

func (c *gorillaChat) ping() error {
	if err := c.conn.WriteControl(gorilla.PingMessage, []byte("?"), time.Now().Add(time.Minute)); err != nil {
		return err
	}
	<-c.pongs
	return nil
}

// told is what an upstream learns of the end of its connection.
type told struct {
	code   int
	reason string
}

// echoes are upstreams of both libraries that answer each message with itself,
// compressed if they may.
func echoes(ends chan<- told) map[string]http.Handler {
	return map[string]http.Handler{"coder": coderEcho(ends), "gorilla": gorillaEcho(ends)}
}

func coderEcho(ends chan<- told) http.Handler {
	options := coder.AcceptOptions{CompressionMode: coder.CompressionContextTakeover, CompressionThreshold: 1}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, &options)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			kind, b, err := conn.Read(context.Background())
			if err == nil {
				err = conn.Write(context.Background(), kind, b)
			}
			if err != nil {
				if closed, ok := errors.AsType[coder.CloseError](err); ok {
					ends <- told{int(closed.Code), closed.Reason}
				}
				return
			}
		}
	})
}

func gorillaEcho(ends chan<- told) http.Handler {
	up := gorilla.Upgrader{EnableCompression: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, b, err := conn.ReadMessage()
			if err == nil {
				err = conn.WriteMessage(kind, b)
			}
			if err != nil {
				if closed, ok := errors.AsType[*gorilla.CloseError](err); ok && !errors.Is(err, io.ErrUnexpectedEOF) {
					ends <- told{closed.Code, closed.Text}
				}
				return
			}
		}
	})
}
