package telemetry

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A writer remembers the status that was sent.
type writer struct {
	http.ResponseWriter
	status int // 0: none yet
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets the connection copy by itself where it can.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
}

func (w *writer) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Hijack hands over the connection: to another protocol, as far as a client can
// tell.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}
