package server

import (
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// MetricNames are the names of the server's own metrics, sorted.
func MetricNames(s *Server) (names []string) {
	descriptions := make(chan *prometheus.Desc, 1000)
	s.metrics.registry.Describe(descriptions)
	close(descriptions)
	for d := range descriptions {
		if m := regexp.MustCompile(`fqName: "(mockforge_[a-z_]+)"`).FindStringSubmatch(d.String()); m != nil {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return names
}
