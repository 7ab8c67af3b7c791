package client_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// collect reads events until the sequence ends.
func collect(ctx context.Context, c *client.Client) (events []client.Event, err error) {
	for event, e := range c.Events(ctx) {
		if e != nil {
			return events, e
		}
		events = append(events, event)
	}
	return events, nil
}

func TestEvents(t *testing.T) {
	t.Parallel()
	server := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": keep-alive\n\n"+
			"event: status\ndata: {\"is_running\": true, \"name\": \"x\"}\n\n"+
			"event:step\r\nid: 7\r\ndata:{\"name\":\r\ndata: \"a\"}\r\n\r\n"+
			"event: dropped, as it has no data\n\n"+
			"event: run\ndata: {\"id\": \"r1\", \"state\": \"completed\"}\n\n"+
			"event: config\ndata: {\"enabled\": true}\n\n"+
			"data: anything\n\n"+
			"event: status\ndata: {\"cut")
	})
	events, err := collect(t.Context(), newClient(t, server.URL, client.WithToken("t")))
	require.EqualError(t, err, "the server cannot be reached: GET "+server.URL+"/api/chaos/events: the server ended the stream")
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.Len(t, events, 5)
	require.Equal(t, &client.Status{Running: true, Report: orchestrator.Report{Name: "x"}}, events[0].Status)
	require.Equal(t, &orchestrator.StepReport{Name: "a"}, events[1].Step)
	require.Equal(t, &orchestrator.Report{ID: "r1", State: orchestrator.RunCompleted}, events[2].Run)
	require.JSONEq(t, `{"enabled": true}`, string(events[3].Config))
	require.Equal(t, client.Event{Type: "message", Data: []byte("anything")}, events[4])

	request := server.requests()[0]
	require.Equal(t, "GET /api/chaos/events", request.line)
	require.Equal(t, "text/event-stream", request.header.Get("Accept"))
	require.Equal(t, "Bearer t", request.header.Get("Authorization"))
}

func TestEventsRefused(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusForbidden, `{"error": "wrong token"}`))
	_, err := collect(t.Context(), newClient(t, server.URL))
	require.EqualError(t, err, "wrong token (HTTP 403)")
}

func TestEventsMalformed(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, "event: step\ndata: {\n\n"))
	_, err := collect(t.Context(), newClient(t, server.URL))
	require.EqualError(t, err, "GET "+server.URL+"/api/chaos/events: event \"step\" is not what a mockforge server sends: unexpected end of JSON input")
}

// Neither one line nor many can fill the memory.
func TestEventsEndless(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]io.Reader{
		"line":  endless("x"),
		"lines": endless("data: " + strings.Repeat("x", 1000) + "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "http://h", client.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(stream)}, nil
			})}))
			_, err := collect(t.Context(), c)
			require.ErrorContains(t, err, "an event is larger than 8388608 bytes")
		})
	}
}

// endless repeats a text.
func endless(text string) io.Reader { return &repeater{text: text} }

type repeater struct {
	text string
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// Leaving the loop ends the request; so does the context.
func TestEventsLeft(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 2)
	server := record(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "event: config\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- struct{}{}
	})
	c := newClient(t, server.URL)
	for _, err := range c.Events(t.Context()) {
		require.NoError(t, err)
		break
	}
	<-gone

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range c.Events(ctx) {
		cancel()
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	require.NotErrorIs(t, last, client.ErrUnreachable)
	<-gone
}
