package chaostest

// replayMode is how Replay uses a recording. The zero mode is none.
type replayMode int

const (
	replayVerify replayMode = iota + 1
	replayPin
	replayOpenLoop
)

// ReplayVerify lets Replay make every decision again and compare.
func ReplayVerify() Option { return option(func(s *settings) { s.mode = replayVerify }) }

// ReplayPin lets Replay use the recorded decisions for the requests of the code
// under test. It is the default.
func ReplayPin() Option { return option(func(s *settings) { s.mode = replayPin }) }

// ReplayOpenLoop lets Replay verify the recording, and send the recorded
// requests itself.
func ReplayOpenLoop() Option { return option(func(s *settings) { s.mode = replayOpenLoop }) }

// ReplayStrict fails the test where a request is beyond the recording. Default:
// the seed decides about it, and it is counted.
func ReplayStrict() Option { return option(func(s *settings) { s.strict = true }) }

// ReplayOf fails the test where the recording is not of the orchestration in
// the file at path. Default: it is not compared.
func ReplayOf(path string) Option { return option(func(s *settings) { s.document = path }) }

// ReplayNamed chooses among the runs of a log: the last complete one of the
// orchestration of that name. Default: the last complete one of all.
func ReplayNamed(name string) Option { return option(func(s *settings) { s.recording = name }) }
