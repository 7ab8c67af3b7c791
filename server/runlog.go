package server

import "github.com/mockforge-go/mockforge/orchestrator"

// noLogs keeps no event log.
type noLogs struct{}

func (noLogs) open() (*orchestrator.EventLog, func() error, error) {
	return nil, func() error { return nil }, nil
}

func (noLogs) close() error { return nil }

// fileLogs records every run to one file, see orchestrator.LogFile.
type fileLogs struct{ *orchestrator.LogFile }

// logsFor is where the options want runs recorded.
func logsFor(opts Options) (runLogs, error) {
	if opts.EventLog == "" {
		return noLogs{}, nil
	}
	file, err := orchestrator.OpenLogFile(opts.EventLog, orchestrator.LogFileOptions{MaxBytes: opts.EventLogBytes})
	if err != nil {
		return nil, err
	}
	return fileLogs{file}, nil
}

func (f fileLogs) open() (*orchestrator.EventLog, func() error, error) {
	log, err := f.Record()
	if err != nil {
		return nil, nil, err
	}
	return log, log.Close, nil // the run has closed it; its error is still to be told
}

func (f fileLogs) close() error { return f.Close() }
