package server

import (
	"net/http"
	"strconv"
)

// A promptWriter sends each piece of a response of known length when it comes,
// but for the last, which leaves with the end of the response: what the
// upstream has sent must not wait for what it sends later, and a short answer
// must not cost two packets. httputil.ReverseProxy flushes the others itself.
type promptWriter struct {
	http.ResponseWriter
	left int64 // to come; ≤ 0: nothing, or it is unknown
}

// Unwrap is for http.ResponseController.
func (w *promptWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *promptWriter) WriteHeader(status int) {
	if length := w.Header()["Content-Length"]; len(length) == 1 && status >= http.StatusOK {
		w.left, _ = strconv.ParseInt(length[0], 10, 64) // 0: unknown
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *promptWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	if w.left <= 0 || err != nil {
		return n, err
	}
	if w.left -= int64(n); w.left > 0 {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}
