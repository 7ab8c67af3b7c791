package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// An Event is something that happened on the server. Type says which of the
// fields is set; of a type that this client does not know, only Data is.
type Event struct {
	Type   string // status, step, run or config
	Status *Status
	Step   *orchestrator.StepReport // a step that ended
	Run    *orchestrator.Report     // a run that ended
	Config json.RawMessage          // the standing config, changed
	Data   json.RawMessage          // the event as it came
}

// Events follows the server: the status when it changes and every second while
// an orchestration runs, steps and runs that end, and changes of the standing
// config. Events that were missed do not come again; Status and History have
// their effect.
//
// The sequence goes on until the loop is left; when it cannot go on, its last
// pair holds the error: that of ctx, an *Error, or one that wraps
// ErrUnreachable, also when the server is silent for three keep-alives (45 s).
// It does not reconnect.
func (c *Client) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		k := call{method: "GET", path: path("events")}
		quiet, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(c.silence, func() { cancel(fmt.Errorf("nothing heard for %s", c.silence)) })
		defer silence.Stop()

		body, err := c.stream(ctx, quiet, k)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer body.Close()
		lines := newEventReader(body, func() { silence.Reset(c.silence) })
		for {
			kind, data, err := lines.next()
			if err == io.EOF {
				err = errors.New("the server ended the stream")
			}
			if err != nil {
				if cause := context.Cause(quiet); cause != nil {
					err = cause
				}
				yield(Event{}, c.lost(ctx, k, err))
				return
			}
			event, err := parseEvent(kind, data)
			if err != nil {
				yield(Event{}, fmt.Errorf("GET %s: event %q is not what a mockforge server sends: %w", c.url(k), kind, err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// stream opens a response that does not end. quiet ends it.
func (c *Client) stream(ctx, quiet context.Context, k call) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(quiet, k.method, c.url(k), nil)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c.header(request.Header)
	request.Header.Set("Accept", "text/event-stream")
	response, err := c.plain.Do(request)
	if err != nil {
		if cause := context.Cause(quiet); cause != nil {
			err = cause
		}
		return nil, c.lost(ctx, k, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, c.refusal(k, response)
	}
	return response.Body, nil
}

func parseEvent(kind string, data []byte) (e Event, err error) {
	e = Event{Type: kind, Data: data}
	switch kind {
	case "status":
		e.Status = &Status{}
		err = json.Unmarshal(data, e.Status)
	case "step":
		e.Step = &orchestrator.StepReport{}
		err = json.Unmarshal(data, e.Step)
	case "run":
		e.Run = &orchestrator.Report{}
		err = json.Unmarshal(data, e.Run)
	case "config":
		e.Config = e.Data
		err = valid(data)
	}
	return e, err
}
