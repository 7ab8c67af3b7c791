package injector

import (
	"maps"
	"net/http"
	"strings"
)

const headerExtensions = "Sec-Websocket-Extensions"

// uncompressed is a handshake without the offer to compress messages. A
// compressed message that is changed cannot be inflated, and where its dictionary
// lasts nothing behind one that is lost can: a client would see what no upstream
// ever sends. Layers may come later, so nobody is asked whether one acts.
func uncompressed(r *http.Request) *http.Request {
	if r.Header[headerExtensions] == nil || !upgrades(r) {
		return r
	}
	var kept []string
	gone := false
	for _, line := range r.Header[headerExtensions] {
		for _, offer := range listed(line) {
			if compresses(offer) {
				gone = true
				continue
			}
			kept = append(kept, offer)
		}
	}
	if !gone {
		return r
	}
	out := new(*r)
	out.Header = maps.Clone(r.Header)
	delete(out.Header, headerExtensions)
	if len(kept) > 0 {
		out.Header[headerExtensions] = []string{strings.Join(kept, ", ")}
	}
	return out
}

// compresses reports whether an offer is one of RFC 7692 or of its drafts.
func compresses(offer string) bool {
	name, _, _ := strings.Cut(offer, ";")
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.HasPrefix(name, "permessage-") || strings.HasSuffix(name, "deflate-frame")
}

// listed are the elements of a header's list. A comma in quotes separates none.
func listed(line string) []string {
	var out []string
	from, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == ',' && !quoted:
			out = append(out, strings.TrimSpace(line[from:i]))
			from = i + 1
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '\\' && quoted:
			i++
		}
	}
	return append(out, strings.TrimSpace(line[from:]))
}
