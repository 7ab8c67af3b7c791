package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
)

// stopPatience is how long the server may take to answer that it stops a run,
// and how long one who leaves meanwhile waits for it.
const stopPatience = 5 * time.Second

// A stopCall asks the server to stop the run. It goes on when the view has
// ended: who leaves after asking still wants the run stopped.
type stopCall struct {
	done   chan struct{} // closed when answer is there
	answer stopAnswered
}

// stopAnswered is what came of asking the server to stop.
type stopAnswered struct {
	message string
	err     error
}

func beginStop(stop func() (string, error)) *stopCall {
	s := &stopCall{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.answer.message, s.answer.err = stop()
	}()
	return s
}

// wait returns the answer, as a message for the view.
func (s *stopCall) wait() tea.Msg {
	<-s.done
	return s.answer
}

// left is the error of leaving a run that the server was asked to stop.
func (s *stopCall) left() error {
	<-s.done
	switch err := s.answer.err; {
	case err == nil:
		return errAsked
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w, and the server did not answer within %s", errAsked, stopPatience)
	default:
		return &notStoppedError{err}
	}
}

// A notStoppedError leaves a run that the server refused to stop.
type notStoppedError struct{ err error }

func (e *notStoppedError) Error() string { return "It was not stopped: " + e.err.Error() }

// Unwrap is errLeft: the run goes on.
func (e *notStoppedError) Unwrap() error { return errLeft }
