package orchestrator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A run that a server recorded is decided again, without a network and in no
// time.
func ExampleVerify() {
	rec, err := orchestrator.ReadLog("testdata/storm.chaos.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := orchestrator.Verify(context.Background(), rec)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, %s: %d of %d requests decided again\n", rec.Name, rec.State, v.Requests, len(rec.Requests))
	if v.Difference != nil {
		fmt.Println(v.Difference)
	}
	fmt.Println("the same decisions:", v.Digest == rec.Digest())
	// Output:
	// storm, completed: 356 of 356 requests decided again
	// the same decisions: true
}

// Runs are recorded to a file of bounded size, one after the other.
func ExampleLogFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "events.chaos.jsonl")
	file, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{MaxBytes: 1 << 20, Keep: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	for _, name := range []string{"monday", "tuesday"} {
		log, err := file.Record()
		if err != nil {
			fmt.Println(err)
			return
		}
		o := orchestrator.Orchestration{Name: name, Steps: []orchestrator.Step{{Name: "calm"}}}
		run, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log})
		if err != nil {
			fmt.Println(err)
			return
		}
		run.Run(context.Background())
	}
	all, err := orchestrator.ReadLogs(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rec := range all {
		fmt.Println(rec.Name, rec.State)
	}
	// Output:
	// monday completed
	// tuesday completed
}
