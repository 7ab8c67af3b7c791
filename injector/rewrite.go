package injector

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A rewrite is a Rewrite without what makes no sense.
type rewrite struct {
	status int // 0: the upstream's
	set    map[string]string
	remove []string
	body   *string
}

// acts reports whether the rewrite changes anything.
func (w *Rewrite) acts() bool {
	r := newRewrite(w)
	return r.status != 0 || len(r.set) > 0 || len(r.remove) > 0 || r.body != nil
}

func newRewrite(w *Rewrite) *rewrite {
	out := &rewrite{set: map[string]string{}}
	if len(validStatuses([]int{w.Status})) > 0 {
		out.status = w.Status
	}
	for _, name := range slices.Sorted(maps.Keys(w.SetHeaders)) { // of two spellings of a name the last counts
		value := w.SetHeaders[name]
		if !framing(name) && strings.Trim(value, " \t") == value && !strings.ContainsFunc(value, control) {
			out.set[http.CanonicalHeaderKey(name)] = value
		}
	}
	for _, name := range w.RemoveHeaders {
		if !framing(name) {
			out.remove = append(out.remove, http.CanonicalHeaderKey(name))
		}
	}
	if w.Body != nil {
		out.body = new(*w.Body)
	}
	return out
}

// control reports whether no value of a header may contain the character.
func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// framing reports whether a header says where a message ends, or belongs to its
// connection.
func framing(name string) bool {
	return slices.Contains(FramingHeaders(), http.CanonicalHeaderKey(name))
}

// FramingHeaders are those that a Rewrite leaves alone: they say where a message
// ends, or belong to its connection.
func FramingHeaders() []string {
	return []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}
}

// rewrites are those that a response meets, the innermost first.
type rewrites []*rewrite

// rewrites are those that the request's response meets.
func (p *passage) rewrites() (all rewrites) {
	for i := len(p.stays) - 1; i >= 0; i-- {
		if s := &p.stays[i]; s.drawn.hits&hitRewrite != 0 {
			all = append(all, s.faults.change)
		}
	}
	return all
}

// apply changes a response's status and headers. It returns the body that is
// sent instead of the upstream's; nil: none is.
func (all rewrites) apply(status int, h http.Header) (now int, body *string) {
	now = status
	for _, r := range all {
		if r.body != nil {
			body = r.body
			if now == http.StatusPartialContent {
				now = http.StatusOK // it is no part of the upstream's
			}
			for _, name := range [...]string{"Content-Encoding", "Content-Range", "Trailer", "Transfer-Encoding"} {
				h.Del(name) // they were true of the upstream's
			}
			forgetDigests(h)
		}
		if r.status != 0 {
			now = r.status
		}
		for _, name := range r.remove {
			h.Del(name)
		}
		for name, value := range r.set {
			h[name] = []string{value}
		}
	}
	switch {
	case without(now):
		h.Del("Content-Length")
		h.Del("Trailer")
	case body != nil:
		h.Set("Content-Length", strconv.Itoa(len(*body)))
	case without(status):
		h.Set("Content-Length", "0") // a 304 may announce the body that it does not have
	}
	return now, body
}

// forgetDigests takes away what a header says of the bytes of another body.
func forgetDigests(h http.Header) {
	for _, name := range [...]string{"Content-Md5", "Content-Digest", "Repr-Digest", "Digest", "Etag"} {
		h.Del(name)
	}
}

// without reports whether a response of that status has no body.
func without(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified || status < 200
}

// rewrite changes the header that is about to be written, and returns the body
// that is sent instead of the upstream's; nil: none is.
func (w *writer) rewrite(status int) (instead *string) {
	if len(w.changes) == 0 || status == http.StatusSwitchingProtocols {
		return nil
	}
	w.rewritten = true
	h := w.w.Header()
	w.status, instead = w.changes.apply(status, h)
	for _, r := range w.changes {
		for _, name := range r.remove {
			if len(h[name]) == 0 {
				h[name] = nil // else net/http adds what it thinks is missing
			}
		}
	}
	w.swallows = instead != nil || without(w.status)
	w.hurts = w.passage.upstreamFailed(w.status, true, nil, h)
	return instead
}

// dropTrailers takes off those that the upstream did not announce, where the
// body is not its own.
func (w *writer) dropTrailers() {
	if !w.swallows {
		return
	}
	for name := range w.w.Header() {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.w.Header().Del(name)
		}
	}
}

// replace changes a response of the RoundTripper's upstream.
func (all rewrites) replace(resp *http.Response, method string) {
	if len(all) == 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	status, body := all.apply(resp.StatusCode, resp.Header)
	if status != resp.StatusCode {
		resp.Status = strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
	}
	was := resp.StatusCode
	resp.StatusCode = status
	if body == nil && without(was) == without(status) {
		return
	}
	_ = resp.Body.Close() // nobody will read the upstream's
	resp.Body, resp.ContentLength = http.NoBody, 0
	resp.TransferEncoding, resp.Trailer, resp.Uncompressed = nil, nil, false
	switch {
	case body == nil || without(status):
	case method == http.MethodHead:
		resp.ContentLength = int64(len(*body))
	default:
		resp.Body, resp.ContentLength = bodyOf(*body), int64(len(*body))
	}
}
