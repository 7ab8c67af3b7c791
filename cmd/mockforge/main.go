// Command mockforge runs chaos experiments.
//
//	mockforge orchestrate template --output orchestration.yaml
//	mockforge orchestrate validate --file orchestration.yaml
//	mockforge orchestrate start --file orchestration.yaml --wait
//
// Every command ends with 0 (ok), 1 (the run failed), 2 (usage, or an invalid
// document), 3 (something was inconclusive and nothing failed) or 4 (the server
// cannot be reached).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
