package main

import "errors"

// Exit codes, for scripts to rely on.
const (
	exitOK           = 0
	exitFailed       = 1 // the run failed or was lost, or the server failed
	exitUsage        = 2 // wrong usage, or an invalid document
	exitInconclusive = 3 // something was inconclusive and nothing failed
	exitUnreachable  = 4 // the server cannot be reached
)

// An exitError ends the program with a code. Without err nothing more is
// printed: the command has said it all.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "the command failed"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitCode is the code for a command's error; what a command does not classify
// is wrong usage.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitUsage
}
