package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// What an answer may hold at most, in bytes.
const (
	maxAnswer  = 32 << 20
	maxRefusal = 4 << 20
)

// A call is one request to the API.
type call struct {
	method string
	path   string // "/api/chaos/status", escaped
	query  url.Values
	body   any    // nil: none; json.RawMessage is sent as it is
	member string // that the server's answer always has; "": it is a list
}

// path joins segments of which any may hold any character.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/api/chaos")
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// json makes a call and decodes the answer.
func (c *Client) json(ctx context.Context, k call, into any) error {
	data, err := c.raw(ctx, k)
	if err != nil {
		return err
	}
	err = json.Unmarshal(data, into)
	if err == nil && k.member != "" {
		err = has(data, k.member)
	}
	if err != nil {
		return fmt.Errorf("%s %s: the answer is not what a mockforge server sends: %w; is the base URL right?", k.method, c.url(k), err)
	}
	return nil
}

// has reports an answer without a member: some other server's, of which nothing
// would be understood.
func has(data []byte, member string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if _, ok := members[member]; !ok {
		return fmt.Errorf("it has no %q", member)
	}
	return nil
}

// reply makes a call of which the server only says how it went.
func (c *Client) reply(ctx context.Context, k call) (Reply, error) {
	var r Reply
	k.member = "message"
	err := c.json(ctx, k, &r)
	return r, err
}

// A Reply is what a server says about a change that it made.
type Reply struct {
	Message  string                 `json:"message"`
	Warnings []orchestrator.Problem `json:"warnings"` // what is valid and probably not meant
}

// raw makes a call within the client's time-out and reads the whole answer.
func (c *Client) raw(ctx context.Context, k call) ([]byte, error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := c.request(timed, k)
	if err != nil {
		return nil, err
	}
	send := c.once
	if k.method == http.MethodGet || k.method == http.MethodPut {
		send = c.again
	}
	response, err := send.Do(request)
	if err != nil {
		if response != nil {
			response.Body.Close()
		}
		return nil, c.lost(ctx, k, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return nil, c.refusal(k, response)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, c.lost(ctx, k, err)
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("%s %s: the answer is larger than %d bytes", k.method, c.url(k), maxAnswer)
	}
	return data, nil
}

func (c *Client) url(k call) string {
	u := c.base.String() + k.path
	if len(k.query) > 0 {
		u += "?" + k.query.Encode()
	}
	return u
}

func (c *Client) request(ctx context.Context, k call) (*retryablehttp.Request, error) {
	var body any // a nil []byte would be an empty body
	if k.body != nil {
		var data bytes.Buffer
		encoder := json.NewEncoder(&data)
		encoder.SetEscapeHTML(false) // it makes six bytes of each < and > of a document
		if err := encoder.Encode(k.body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", k.method, c.url(k), err)
		}
		body = bytes.TrimSuffix(data.Bytes(), []byte("\n"))
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, k.method, c.url(k), body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c.header(request.Header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func (c *Client) header(h http.Header) {
	h.Set("User-Agent", "mockforge-client")
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
}

// lost is the error of a call without an answer. outer is the caller's context.
func (c *Client) lost(outer context.Context, k call, err error) error {
	if outer.Err() != nil {
		return fmt.Errorf("%s %s: %w", k.method, c.url(k), outer.Err())
	}
	var wrapped *url.Error // its text repeats what ours says
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %s %s: no answer within %s: %w", ErrUnreachable, k.method, c.url(k), c.timeout, err)
	}
	return fmt.Errorf("%w: %s %s: %w", ErrUnreachable, k.method, c.url(k), err)
}

// refusal reads an answer that says no.
func (c *Client) refusal(k call, response *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what arrived says more than nothing
	refused := &Error{Method: k.method, URL: c.url(k), StatusCode: response.StatusCode}
	var answer struct {
		Error    string                 `json:"error"`
		Problems []orchestrator.Problem `json:"problems"`
	}
	if json.Unmarshal(data, &answer) == nil && answer.Error != "" {
		refused.Message, refused.Problems = answer.Error, answer.Problems
		if len(answer.Problems) > 0 && answer.Error == (&orchestrator.InvalidError{Problems: answer.Problems}).Error() {
			refused.Message = "the document has errors" // which follow
		}
		return refused
	}
	refused.Message = fmt.Sprintf("%s %s: %s, and not in the words of a mockforge server", k.method, refused.URL, response.Status)
	if start := excerpt(data); start != "" {
		refused.Message += fmt.Sprintf(": %q", start)
	}
	return refused
}

// excerpt is the beginning of a text.
func excerpt(data []byte) string {
	const most = 120
	data = bytes.TrimSpace(data)
	if len(data) > most {
		return strings.ToValidUTF8(string(data[:most]), "") + "…"
	}
	return string(data)
}
