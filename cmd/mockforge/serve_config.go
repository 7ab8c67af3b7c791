package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// fields are a mapping of an orchestration document, as the flags write it.
type fields map[string]any

// A chaosFlags holds the flags of serve that say what goes wrong. They become
// one config; a section that no flag asks for stays off.
type chaosFlags struct {
	profile, networkProfile string

	latency            int
	latencyRange       string
	latencyProbability float64

	httpErrors           string
	httpErrorProbability float64

	rateLimit  int
	bandwidth  int64
	packetLoss float64

	random                         bool
	randomErrorRate                float64
	randomDelayRate                float64
	randomMinDelay, randomMaxDelay int

	shaping      bool
	shapingLimit int64

	breaker            bool
	breakerFailures    int
	breakerSuccesses   int
	breakerTimeout     int
	breakerFailureRate float64

	bulkhead        bool
	bulkheadMost    int
	bulkheadQueue   int
	bulkheadTimeout int

	protocols protocolFlags
}

func (f *chaosFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.profile, "chaos-profile", "", "network profile to start with; mockforge chaos profile list names them")
	flags.StringVar(&f.networkProfile, "network-profile", "", "the same as --chaos-profile")

	flags.IntVar(&f.latency, "chaos-latency-ms", 0, "delay every request by so many milliseconds")
	flags.StringVar(&f.latencyRange, "chaos-latency-range", "", "delay by MIN-MAX milliseconds, uniformly; not with --chaos-latency-ms")
	flags.Float64Var(&f.latencyProbability, "chaos-latency-probability", 1, "of delaying a request, 0-1")

	flags.StringVar(&f.httpErrors, "chaos-http-errors", "", "status codes to answer with, like 500,503")
	flags.Float64Var(&f.httpErrorProbability, "chaos-http-error-probability", 0.1, "of answering with an error, 0-1; alone it means 500,502,503,504")

	flags.IntVar(&f.rateLimit, "chaos-rate-limit", 0, "requests a second; the burst is twice as many")
	flags.Int64Var(&f.bandwidth, "chaos-bandwidth-limit", 0, "bytes a second, each direction")
	flags.Float64Var(&f.packetLoss, "chaos-packet-loss", 0, "percent of packets lost, seen as stalls; 100 is a partition")

	flags.BoolVar(&f.random, "chaos-random", false, "errors and delays by chance, see the four flags below")
	flags.Float64Var(&f.randomErrorRate, "chaos-random-error-rate", 0.1, "of --chaos-random: share of requests that fail, 0-1")
	flags.Float64Var(&f.randomDelayRate, "chaos-random-delay-rate", 0.3, "of --chaos-random: share of requests that are delayed, 0-1")
	flags.IntVar(&f.randomMinDelay, "chaos-random-min-delay", 100, "of --chaos-random: the shortest delay in milliseconds")
	flags.IntVar(&f.randomMaxDelay, "chaos-random-max-delay", 2000, "of --chaos-random: the longest delay in milliseconds")

	flags.BoolVar(&f.shaping, "traffic-shaping", false, "limit the bandwidth to --bandwidth-limit")
	flags.Int64Var(&f.shapingLimit, "bandwidth-limit", 1_000_000, "of --traffic-shaping: bytes a second")

	flags.BoolVar(&f.breaker, "circuit-breaker", false, "put a circuit breaker in front of each target")
	flags.IntVar(&f.breakerFailures, "circuit-breaker-failure-threshold", 5, "consecutive failures that open it")
	flags.IntVar(&f.breakerSuccesses, "circuit-breaker-success-threshold", 2, "consecutive successes that close it")
	flags.IntVar(&f.breakerTimeout, "circuit-breaker-timeout-ms", 60_000, "how long it stays open")
	flags.Float64Var(&f.breakerFailureRate, "circuit-breaker-failure-rate", 50, "percent of failures that opens it")

	flags.BoolVar(&f.bulkhead, "bulkhead", false, "limit how many requests of a target are in progress")
	flags.IntVar(&f.bulkheadMost, "bulkhead-max-concurrent", 100, "requests in progress")
	flags.IntVar(&f.bulkheadQueue, "bulkhead-max-queue", 10, "requests that wait; 0: none")
	flags.IntVar(&f.bulkheadTimeout, "bulkhead-queue-timeout-ms", 5000, "how long a request waits")

	f.protocols.register(flags)
}

// apply writes what the flags ask for into the options: a profile, and over it
// the sections of the other flags.
func (f *chaosFlags) apply(flags *pflag.FlagSet, opts *server.Options) error {
	opts.Profile = f.profile
	if flags.Changed("network-profile") {
		if flags.Changed("chaos-profile") {
			return fmt.Errorf("--network-profile is the same as --chaos-profile: use one of them")
		}
		opts.Profile = f.networkProfile
	}
	if err := f.checkDependents(flags); err != nil {
		return err
	}
	config := fields{}
	for _, set := range []func(*pflag.FlagSet, fields) error{f.setRandom, f.setLatency, f.setErrors, f.setLimits, f.setBreaker, f.setBulkhead, f.protocols.set} {
		if err := set(flags, config); err != nil {
			return err
		}
	}
	text, err := json.Marshal(config)
	if err == nil {
		opts.Config, _, err = orchestrator.ParseConfig(text, orchestrator.JSON)
	}
	return err
}

// checkDependents refuses flags that would have no effect without another.
func (f *chaosFlags) checkDependents(flags *pflag.FlagSet) error {
	for _, group := range []struct {
		of      string
		on      bool
		members []string
	}{
		{"chaos-random", f.random, []string{"chaos-random-error-rate", "chaos-random-delay-rate", "chaos-random-min-delay", "chaos-random-max-delay"}},
		{"traffic-shaping", f.shaping, []string{"bandwidth-limit"}},
		{"circuit-breaker", f.breaker, []string{"circuit-breaker-failure-threshold", "circuit-breaker-success-threshold", "circuit-breaker-timeout-ms", "circuit-breaker-failure-rate"}},
		{"bulkhead", f.bulkhead, []string{"bulkhead-max-concurrent", "bulkhead-max-queue", "bulkhead-queue-timeout-ms"}},
	} {
		for _, name := range group.members {
			if flags.Changed(name) && !group.on {
				return fmt.Errorf("--%s has no effect without --%s", name, group.of)
			}
		}
	}
	if flags.Changed("chaos-latency-probability") && !flags.Changed("chaos-latency-ms") && !flags.Changed("chaos-latency-range") {
		return fmt.Errorf("--chaos-latency-probability has no effect without --chaos-latency-ms or --chaos-latency-range")
	}
	return nil
}

func (f *chaosFlags) setRandom(_ *pflag.FlagSet, c fields) error {
	if !f.random {
		return nil
	}
	if err := firstError(share("chaos-random-error-rate", f.randomErrorRate), share("chaos-random-delay-rate", f.randomDelayRate),
		atLeast("chaos-random-min-delay", f.randomMinDelay, 0), atLeast("chaos-random-max-delay", f.randomMaxDelay, f.randomMinDelay)); err != nil {
		return err
	}
	c["fault_injection"] = fields{"http_error_probability": f.randomErrorRate}
	c["latency"] = fields{"random_delay_range_ms": []int{f.randomMinDelay, f.randomMaxDelay}, "probability": f.randomDelayRate}
	return nil
}

func (f *chaosFlags) setLatency(flags *pflag.FlagSet, c fields) error {
	fixed, ranged := flags.Changed("chaos-latency-ms"), flags.Changed("chaos-latency-range")
	if !fixed && !ranged {
		return nil
	}
	if fixed && ranged {
		return fmt.Errorf("--chaos-latency-ms and --chaos-latency-range exclude each other")
	}
	if err := firstError(share("chaos-latency-probability", f.latencyProbability), atLeast("chaos-latency-ms", f.latency, 0)); err != nil {
		return err
	}
	l := fields{"fixed_delay_ms": f.latency, "probability": f.latencyProbability}
	if ranged {
		lo, hi, ok := strings.Cut(f.latencyRange, "-")
		least, err1 := strconv.Atoi(strings.TrimSpace(lo))
		most, err2 := strconv.Atoi(strings.TrimSpace(hi))
		if !ok || err1 != nil || err2 != nil || least < 0 || most < least {
			return fmt.Errorf("--chaos-latency-range: %q is not MIN-MAX in milliseconds, like 100-500", f.latencyRange)
		}
		delete(l, "fixed_delay_ms")
		l["random_delay_range_ms"] = []int{least, most}
	}
	c["latency"] = l
	return nil
}

func (f *chaosFlags) setErrors(flags *pflag.FlagSet, c fields) error {
	if !flags.Changed("chaos-http-errors") && !flags.Changed("chaos-http-error-probability") {
		return nil
	}
	if err := share("chaos-http-error-probability", f.httpErrorProbability); err != nil {
		return err
	}
	out := fields{"http_error_probability": f.httpErrorProbability}
	if flags.Changed("chaos-http-errors") {
		var codes []int
		for word := range strings.SplitSeq(f.httpErrors, ",") {
			code, err := strconv.Atoi(strings.TrimSpace(word))
			if err != nil || code < 200 || code > 999 {
				return fmt.Errorf("--chaos-http-errors: %q is not a status code from 200 to 999", word)
			}
			codes = append(codes, code)
		}
		out["http_errors"] = codes
	}
	c["fault_injection"] = out
	return nil
}

func (f *chaosFlags) setLimits(flags *pflag.FlagSet, c fields) error {
	if flags.Changed("chaos-rate-limit") {
		if err := atLeast("chaos-rate-limit", f.rateLimit, 1); err != nil {
			return err
		}
		c["rate_limit"] = fields{"requests_per_second": f.rateLimit, "burst_size": 2 * f.rateLimit}
	}
	if !flags.Changed("chaos-bandwidth-limit") && !flags.Changed("chaos-packet-loss") && !f.shaping {
		return nil
	}
	if f.packetLoss < 0 || f.packetLoss > 100 {
		return fmt.Errorf("--chaos-packet-loss: %v is out of range: 0 to 100 percent", f.packetLoss)
	}
	limit := f.bandwidth
	if f.shaping {
		if flags.Changed("chaos-bandwidth-limit") {
			return fmt.Errorf("--traffic-shaping and --chaos-bandwidth-limit exclude each other")
		}
		limit = f.shapingLimit
	}
	if limit < 0 {
		return fmt.Errorf("the bandwidth limit of %d bytes a second is negative", limit)
	}
	c["traffic_shaping"] = fields{"bandwidth_limit_bps": limit, "packet_loss_percent": f.packetLoss}
	return nil
}

func (f *chaosFlags) setBreaker(_ *pflag.FlagSet, c fields) error {
	if !f.breaker {
		return nil
	}
	if f.breakerFailureRate < 0 || f.breakerFailureRate > 100 {
		return fmt.Errorf("--circuit-breaker-failure-rate: %v is out of range: 0 to 100 percent", f.breakerFailureRate)
	}
	if err := firstError(atLeast("circuit-breaker-failure-threshold", f.breakerFailures, 1),
		atLeast("circuit-breaker-success-threshold", f.breakerSuccesses, 1), atLeast("circuit-breaker-timeout-ms", f.breakerTimeout, 1)); err != nil {
		return err
	}
	c["circuit_breaker"] = fields{"failure_threshold": f.breakerFailures, "success_threshold": f.breakerSuccesses,
		"timeout_ms": f.breakerTimeout, "failure_rate_threshold": f.breakerFailureRate}
	return nil
}

func (f *chaosFlags) setBulkhead(_ *pflag.FlagSet, c fields) error {
	if !f.bulkhead {
		return nil
	}
	if err := firstError(atLeast("bulkhead-max-concurrent", f.bulkheadMost, 1), atLeast("bulkhead-max-queue", f.bulkheadQueue, 0),
		atLeast("bulkhead-queue-timeout-ms", f.bulkheadTimeout, 0)); err != nil {
		return err
	}
	c["bulkhead"] = fields{"max_concurrent_requests": f.bulkheadMost, "max_queue_size": f.bulkheadQueue, "queue_timeout_ms": f.bulkheadTimeout}
	return nil
}

func share(flag string, p float64) error {
	if p < 0 || p > 1 {
		return fmt.Errorf("--%s: %v is out of range: 0 to 1", flag, p)
	}
	return nil
}

func atLeast(flag string, n, least int) error {
	if n < least {
		return fmt.Errorf("--%s: %d is out of range: at least %d", flag, n, least)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
