package orchestrator

import "strconv"

// shorten keeps a message readable when the document's text is not.
func shorten(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}

// quote shows text from a document in a message, on one line.
func quote(s string) string { return strconv.Quote(shorten(s)) }
