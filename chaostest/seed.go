package chaostest

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// chooseSeed follows the order that Seed documents.
func chooseSeed(test string, o *orchestrator.Orchestration, s *settings) (uint64, error) {
	if s.seed != nil {
		return *s.seed, nil
	}
	if text := os.Getenv("CHAOSTEST_SEED"); text != "" {
		seed, err := strconv.ParseUint(strings.TrimSpace(text), 0, 64)
		if err != nil {
			return 0, fmt.Errorf("CHAOSTEST_SEED=%q is not a seed: give a number from 0 to 2^64-1, such as 42 or 0x2a", text)
		}
		return seed, nil
	}
	if o.Seed != nil {
		return *o.Seed, nil
	}
	seed := uint64(len(test))
	for i := range len(test) {
		seed = injector.Mix(seed, uint64(test[i]))
	}
	return seed & 0xffffffff, nil // short enough to read out
}
