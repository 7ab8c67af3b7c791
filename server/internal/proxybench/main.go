// Proxybench measures the server's data plane beside httputil.ReverseProxy:
// small GETs over keep-alive connections on loopback, every contestant in a
// process of its own, all of them taking turns in each round. See
// docs/performance.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	role := flag.String("role", "", "be a contestant; for the program itself")
	upstream := flag.String("upstream", "", "of the contestant")
	rounds := flag.Int("rounds", 5, "how often each contestant has its turn")
	length := flag.Duration("length", 2*time.Second, "of a turn")
	conns := flag.Int("conns", 50, "connections")
	flag.Parse()
	var err error
	if *role != "" {
		err = serve(*role, *upstream)
	} else {
		err = compare(*rounds, *length, *conns)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "proxybench:", err)
		os.Exit(1)
	}
}

// compare runs the contest and prints its table.
func compare(rounds int, length time.Duration, conns int) error {
	backend, err := start("backend", "")
	if err != nil {
		return err
	}
	defer backend.stop()
	all := []*process{}
	for _, role := range roles {
		p := backend
		if role.name != "direct" {
			if p, err = start(role.name, backend.url); err != nil {
				return err
			}
			defer p.stop()
		}
		all = append(all, p)
	}
	turns := make([][]turn, len(all))
	for round := range rounds + 1 {
		for i, p := range all {
			t, err := measure(p, length, conns)
			if err != nil {
				return fmt.Errorf("%s: %w", roles[i].name, err)
			}
			if round > 0 { // the first warms up
				turns[i] = append(turns[i], t)
			}
		}
	}
	fmt.Println("| contestant | requests/s | p50 µs | p99 µs | CPU µs a request | requests/s, ratio | CPU, ratio |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for i, role := range roles {
		own := middle(turns[i])
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.1f | %.2f | %.2f |\n", role.title, own.rate, own.p50, own.p99, own.cpu,
			ratio(turns[i], turns[fair], func(t turn) float64 { return t.rate }), ratio(turns[i], turns[fair], func(t turn) float64 { return t.cpu }))
	}
	return nil
}

// middle is the median of each number.
func middle(turns []turn) turn {
	of := func(f func(turn) float64) float64 {
		var values []float64
		for _, t := range turns {
			values = append(values, f(t))
		}
		return median(values)
	}
	return turn{
		rate: of(func(t turn) float64 { return t.rate }), p50: of(func(t turn) float64 { return t.p50 }),
		p99: of(func(t turn) float64 { return t.p99 }), cpu: of(func(t turn) float64 { return t.cpu }),
	}
}

// ratio is the median of the ratios within each round: what else the machine
// does meets both sides of it.
func ratio(a, b []turn, f func(turn) float64) float64 {
	var values []float64
	for i := range a {
		values = append(values, f(a[i])/f(b[i]))
	}
	return median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
