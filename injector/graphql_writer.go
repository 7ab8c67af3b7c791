package injector

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
)

// A graphqlWriter keeps an upstream's response until it is whole, and changes
// it. A response that cannot be changed goes on at once.
type graphqlWriter struct {
	writer  *writer
	status  int // 0: the header was not written
	body    []byte
	through bool // the response goes on as it comes
}

// Unwrap is for http.ResponseController.
func (w *graphqlWriter) Unwrap() http.ResponseWriter { return w.writer }

func (w *graphqlWriter) Header() http.Header { return w.writer.Header() }

func (w *graphqlWriter) WriteHeader(status int) {
	switch {
	case w.status != 0:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		w.writer.WriteHeader(status)
	default:
		w.status = status
		if !w.writer.passage.graphql.editable(status, w.Header()) {
			w.pass()
		}
	}
}

// pass lets the response go on as it is.
func (w *graphqlWriter) pass() {
	w.through = true
	w.writer.passage.unmark()
	w.writer.WriteHeader(w.status)
}

func (w *graphqlWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !w.through && len(w.body)+len(b) > w.writer.passage.graphql.most() {
		w.pass()
		if _, err := w.writer.Write(w.body); err != nil {
			return 0, err
		}
		w.body = nil
	}
	if w.through {
		return w.writer.Write(b)
	}
	w.body = append(w.body, b...)
	return len(b), w.writer.err
}

// close sends the changed response, after the upstream's handler returned.
func (w *graphqlWriter) close() {
	w.WriteHeader(http.StatusOK)
	if w.through {
		return
	}
	body, h := w.body, w.Header()
	// A response that is shorter than it says stays broken.
	if n := h.Get("Content-Length"); n == "" || n == strconv.Itoa(len(body)) {
		body = w.writer.passage.graphql.edited(body, h)
	}
	w.pass()
	_, _ = w.writer.Write(body) // the writer keeps the error
}

// Flush implements http.Flusher.
func (w *graphqlWriter) Flush() { _ = w.FlushError() }

// FlushError is for http.ResponseController. What is kept cannot be flushed.
func (w *graphqlWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if w.through {
		return w.writer.FlushError()
	}
	return w.writer.err
}

// Hijack passes the connection to the upstream's handler.
func (w *graphqlWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.writer.Hijack()
	if err == nil {
		w.status, w.through = http.StatusSwitchingProtocols, true
	}
	return conn, rw, err
}
