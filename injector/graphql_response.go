package injector

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// edits reports whether the upstream is asked, and its response is changed. A
// nil request is none of GraphQL.
func (q *graphqlRequest) edits() bool {
	if q == nil {
		return false
	}
	for _, o := range q.ops {
		if o.end != nil || len(o.partials) > 0 {
			return true
		}
	}
	return false
}

// outcome is how the request ended, errors beside the upstream's response and
// nulls in it included.
func (q *graphqlRequest) outcome(o outcome) outcome {
	switch {
	case q == nil:
	case q.hurt:
		o.fault, o.failed = KindGraphQLError, true
	case q.nulled && o.fault == "":
		o.fault = KindPartialData
	}
	return o
}

// withoutAnswered is what the upstream is asked: without the operations of a batch that
// have an answer, and in a form that can be read.
func (p *passage) withoutAnswered(r *http.Request) *http.Request {
	q := p.graphql
	if !q.edits() {
		return r
	}
	out := new(*r)
	out.Header = r.Header.Clone()
	out.Header.Set("Accept-Encoding", "identity")
	var left [][]byte
	for i, o := range q.ops {
		if q.batch && o.end == nil {
			left = append(left, q.entries[i])
		}
	}
	if !q.batch || len(left) == len(q.ops) {
		return out
	}
	body := jsonList(left)
	out.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), r.Body}
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.ContentLength, out.TransferEncoding = int64(len(body)), nil
	if out.Header.Get("Content-Length") != "" {
		out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return out
}

// editable reports whether a response has a body that can be changed.
func editable(status int, h http.Header) bool {
	coding := h.Get("Content-Encoding")
	if status < 200 || status > 299 || coding != "" && !strings.EqualFold(coding, "identity") || graphqlType(h) == "" {
		return false
	}
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return err != nil || n <= maxGraphQLBody
}

// edited is the upstream's response with nulls where the layers decided so, and
// with the answers that the upstream was not asked for in their places.
func (p *passage) edited(body []byte) []byte {
	q := p.graphql
	if !q.batch {
		return q.ops[0].withNulls(body, q)
	}
	root := scanJSON(body)
	left := 0
	for _, o := range q.ops {
		if o.end == nil {
			left++
		}
	}
	if !root.is(body, '[') || len(root.inside) != left {
		return body // the upstream takes no batches, it seems
	}
	var all [][]byte
	at := 0
	for i := range q.ops {
		o := &q.ops[i]
		if o.end != nil {
			q.hurt = true
			all = append(all, o.end.response())
			continue
		}
		v := root.inside[at]
		at++
		all = append(all, o.withNulls(body[v.start:v.end:v.end], q))
	}
	return jsonList(all)
}

func (o *pending) withNulls(body []byte, q *graphqlRequest) []byte {
	for i := range o.partials {
		if out := o.partials[i].nulled(body); out != nil {
			body, o.partials[i].done, q.nulled = out, true, true
		}
	}
	return body
}

// unmark takes back what the response's headers would say of nulls that were
// not put anywhere.
func (p *passage) unmark() {
	for i := range p.stays {
		s, was, done := &p.stays[i], "", false
		for _, o := range p.graphql.ops {
			for _, d := range o.partials {
				if d.stay == i && was == "" {
					was = d.was
				}
				done = done || d.stay == i && d.done
			}
		}
		if s.kind == KindPartialData && !done {
			s.kind = was
		}
	}
}

// edit changes the upstream's response on the client's side. A body that breaks
// off, or is too large, passes as it is.
func (p *passage) edit(resp *http.Response) {
	if !p.graphql.edits() {
		return
	}
	defer p.unmark()
	if !editable(resp.StatusCode, resp.Header) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxGraphQLBody+1))
	if err != nil || len(body) > maxGraphQLBody {
		resp.Body = &replay{data: body, err: err, rest: resp.Body}
		return
	}
	body = p.edited(body)
	resp.Body = &replay{data: body, err: io.EOF, rest: resp.Body}
	resp.ContentLength = int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
