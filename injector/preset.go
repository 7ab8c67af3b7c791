package injector

import "time"

// A Named config is one that documents may refer to by its name.
type Named struct {
	Name        string
	Description string
	Tags        []string
	Profile     bool          // a network profile, not a preset
	Duration    time.Duration // how long it lasts by itself; 0: as long as its step says
	Config      Config
}

// Presets returns the five presets and then the five network profiles. The
// caller owns the result: changing it affects nobody.
func Presets() []Named {
	return []Named{
		{
			Name:        "network_degradation",
			Description: "A degraded network: half a second of latency, lost packets, little bandwidth",
			Tags:        []string{"network", "latency"},
			Config: Config{
				Latency:        &Latency{FixedDelay: 500 * time.Millisecond, JitterPercent: 20, Probability: new(0.8)},
				TrafficShaping: &TrafficShaping{PacketLossPercent: 5, BandwidthLimit: 100_000},
			},
		},
		{
			Name:        "service_instability",
			Description: "A service that fails now and then: server errors and time-outs",
			Tags:        []string{"service", "errors"},
			Config: Config{
				FaultInjection: &FaultInjection{
					HTTPErrors: []int{500, 502, 503, 504}, HTTPErrorProbability: new(0.2),
					TimeoutErrors: new(true), TimeoutProbability: new(0.1),
				},
			},
		},
		{
			Name:        "cascading_failure",
			Description: "A failure that spreads: slow answers, errors, time-outs, and a tight rate limit",
			Tags:        []string{"critical", "cascading"},
			Config: Config{
				Latency: &Latency{
					RandomDelayRange: [2]time.Duration{time.Second, 5 * time.Second},
					JitterPercent:    30, Probability: new(0.7),
				},
				FaultInjection: &FaultInjection{
					HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.3),
					TimeoutErrors: new(true), TimeoutProbability: new(0.2),
					ConnectionErrors: new(true), ConnectionErrorProbability: new(0.1), ConnectionErrorKind: HTTP503,
				},
				RateLimit: &RateLimit{RequestsPerSecond: 10, BurstSize: 2, PerIP: true},
			},
		},
		{
			Name:        "peak_traffic",
			Description: "A service at its limit: a rate limit on each endpoint",
			Tags:        []string{"traffic", "load"},
			Config:      Config{RateLimit: &RateLimit{RequestsPerSecond: 50, BurstSize: 10, PerEndpoint: true}},
		},
		{
			Name:        "slow_backend",
			Description: "A slow backend: two seconds for every request",
			Tags:        []string{"latency", "performance"},
			Config:      Config{Latency: &Latency{FixedDelay: 2 * time.Second, JitterPercent: 10, Probability: new(1.0)}},
		},
		profile("slow_3g", "A slow mobile connection", 400*time.Millisecond, 10, 400_000, 1, "mobile", "3g"),
		profile("fast_3g", "A good 3G connection", 150*time.Millisecond, 5, 1_500_000, 0.5, "mobile", "3g"),
		flakyWifi(),
		profile("cable", "A home cable connection", 20*time.Millisecond, 2, 10_000_000, 0, "broadband", "stable"),
		dialup(),
	}
}

// Preset returns the preset or network profile of that name.
func Preset(name string) (Named, bool) {
	for _, n := range Presets() {
		if n.Name == name {
			return n, true
		}
	}
	return Named{}, false
}

func profile(name, description string, delay time.Duration, jitter float64, bandwidth int64, loss float64, tags ...string) Named {
	return Named{
		Name: name, Description: description, Tags: append([]string{"network"}, tags...), Profile: true,
		Config: Config{
			Latency:        &Latency{FixedDelay: delay, JitterPercent: jitter, Probability: new(1.0)},
			TrafficShaping: &TrafficShaping{BandwidthLimit: bandwidth, PacketLossPercent: loss},
		},
	}
}

func flakyWifi() Named {
	n := profile("flaky_wifi", "An unreliable wireless network: loss, errors, refused connections", 50*time.Millisecond, 20, 0, 5, "wifi", "unstable")
	n.Config.FaultInjection = &FaultInjection{
		HTTPErrors: []int{500, 502, 503}, HTTPErrorProbability: new(0.05),
		ConnectionErrors: new(true), ConnectionErrorProbability: new(0.03), ConnectionErrorKind: HTTP503,
	}
	return n
}

func dialup() Named {
	n := profile("dialup", "A dial-up line", 2*time.Second, 15, 50_000, 2, "dialup", "slow")
	n.Config.TrafficShaping.ConnectionTimeout = new(time.Minute)
	return n
}
