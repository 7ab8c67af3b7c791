// Package server is the standalone chaos server: a reverse proxy whose traffic
// passes through the same layers as in tests, an HTTP API that changes them at
// run time, and orchestrations that run in real time.
//
//	s, err := server.New(server.Options{Upstream: "http://127.0.0.1:8080", Chaos: true})
//	if err != nil {
//		return err
//	}
//	return s.Run(ctx) // until ctx ends
//
// Chaos never applies to /api/chaos/, /metrics and /health. Everything that the
// API changes takes effect for the next request.
package server
