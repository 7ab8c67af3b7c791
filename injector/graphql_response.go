package injector

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
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

// maxAnswers is the most of the response to a batch in which the upstream was
// not asked for every operation: without it, the client would take one answer
// for another.
const maxAnswers = 16 << 20

// most is how long a response may be that is changed.
func (q *graphqlRequest) most() int {
	if q.batch && slices.ContainsFunc(q.ops, func(o pending) bool { return o.end != nil }) {
		return maxAnswers
	}
	return maxGraphQLBody
}

// editable reports whether a response has a body that can be changed.
func (q *graphqlRequest) editable(status int, h http.Header) bool {
	coding := h.Get("Content-Encoding")
	if status < 200 || status > 299 || coding != "" && !strings.EqualFold(coding, "identity") || graphqlType(h) == "" {
		return false
	}
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return err != nil || n <= int64(q.most())
}

// edited is the upstream's response with nulls where the layers decided so, and
// with the answers that the upstream was not asked for in their places. It
// fits the header to it.
func (q *graphqlRequest) edited(body []byte, h http.Header) []byte {
	var out []byte
	if q.batch {
		out = q.editedBatch(body)
	} else {
		out = q.ops[0].withNulls(body, q)
	}
	if !q.hurt && !q.nulled {
		return body
	}
	forgetDigests(h)
	h.Set("Content-Length", strconv.Itoa(len(out)))
	return out
}

func (q *graphqlRequest) editedBatch(body []byte) []byte {
	var theirs []json.RawMessage
	left := 0
	for _, o := range q.ops {
		if o.end == nil {
			left++
		}
	}
	if json.Unmarshal(body, &theirs) != nil || len(theirs) != left {
		return nil // the upstream takes no batches, it seems
	}
	var all [][]byte
	for i := range q.ops {
		o := &q.ops[i]
		if o.end != nil {
			q.hurt = true
			all = append(all, o.end.response())
			continue
		}
		all = append(all, o.withNulls(theirs[0], q))
		theirs = theirs[1:]
	}
	return jsonList(all)
}

func (o *pending) withNulls(body []byte, q *graphqlRequest) []byte {
	for i := range o.partials {
		if len(body) > maxGraphQLBody {
			break
		}
		if out := o.partials[i].nulled(body); out != nil {
			body, o.partials[i].done, q.nulled = out, true, true
		}
	}
	return body
}

// unmark takes back what the response's headers would say of nulls that were
// not put anywhere, and of answers that the client does not get.
func (p *passage) unmark() {
	q := p.graphql
	for i := range p.stays {
		s, was, done := &p.stays[i], "", false
		for _, o := range q.ops {
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
		for j := len(q.ops) - 1; j >= 0 && !q.hurt && s.kind == KindGraphQLError; j-- {
			if o := &q.ops[j]; o.end != nil && o.endedBy == i {
				s.kind = o.was
			}
		}
		if s.kind == "" && s.down != nil {
			s.kind = KindBandwidth
		}
	}
}

// edit changes the upstream's response on the client's side. A body that breaks
// off, or is too large, passes as it is.
func (p *passage) edit(resp *http.Response) {
	q := p.graphql
	if !q.edits() {
		return
	}
	defer p.unmark()
	if !q.editable(resp.StatusCode, resp.Header) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(q.most())+1))
	if err != nil || len(body) > q.most() {
		resp.Body = &replay{data: body, err: err, rest: resp.Body}
		return
	}
	body = q.edited(body, resp.Header)
	resp.Body = &replay{data: body, err: io.EOF, rest: resp.Body}
	if q.hurt || q.nulled {
		resp.ContentLength, resp.TransferEncoding = int64(len(body)), nil
	}
}
