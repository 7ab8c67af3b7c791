package orchestrator_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func BenchmarkParse(b *testing.B) {
	documented, err := os.ReadFile("testdata/documented/l610.yaml")
	require.NoError(b, err)
	documents := map[string]string{
		"documented":       string(documented),
		"unknown fields":   strings.Repeat("a:\n", 1<<20/3),
		"unknown targets":  "name: x\nsteps:\n- {name: a, targets: [" + strings.Repeat("x,", 500_000) + "]}\n",
		"bad expectations": "name: x\nsteps: [a (1s)]\nexpect: [" + strings.Repeat("mean,", 200_000) + "]",
	}
	for name, text := range documents {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _ = orchestrator.Parse([]byte(text), orchestrator.YAML)
			}
		})
	}
}
