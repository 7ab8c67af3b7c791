package assert

import "math"

// The exact binomial distribution. X is the number of hits in n independent
// draws at probability p.

// binomialAtMost is P(X <= k).
func binomialAtMost(k, n int, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	case float64(k) > float64(n)*p:
		return 1 - upperTail(k+1, n, p)
	}
	return lowerTail(k, n, p)
}

// binomialAtLeast is P(X >= k).
func binomialAtLeast(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	case float64(k) <= float64(n)*p:
		return 1 - lowerTail(k-1, n, p)
	}
	return upperTail(k, n, p)
}

// lowerTail sums P(X = j) from k down to 0, for k at or below the mean, where
// terms only fall: the sum ends when they no longer count.
func lowerTail(k, n int, p float64) float64 {
	term := binomialTerm(k, n, p)
	sum, odds := term, (1-p)/p
	for j := k; j > 0 && term > sum*1e-17; j-- {
		term *= odds * float64(j) / float64(n-j+1)
		sum += term
	}
	return math.Min(sum, 1)
}

// upperTail sums P(X = j) from k up to n, for k above the mean.
func upperTail(k, n int, p float64) float64 {
	term := binomialTerm(k, n, p)
	sum, odds := term, p/(1-p)
	for j := k; j < n && term > sum*1e-17; j++ {
		term *= odds * float64(n-j) / float64(j+1)
		sum += term
	}
	return math.Min(sum, 1)
}

func binomialTerm(k, n int, p float64) float64 {
	choose := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return math.Exp(choose(n) - choose(k) - choose(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// binomialTwoSided is twice the smaller tail, at most 1: how surprising k is
// if p is the true probability.
func binomialTwoSided(k, n int, p float64) float64 {
	return math.Min(1, 2*math.Min(binomialAtMost(k, n, p), binomialAtLeast(k, n, p)))
}

// clopperPearson is the exact two-sided interval for p at confidence 1-alpha.
func clopperPearson(k, n int, alpha float64) (lo, hi float64) {
	bisect := func(goUp func(p float64) bool) float64 {
		a, b := 0.0, 1.0
		for range 60 {
			if m := (a + b) / 2; goUp(m) {
				a = m
			} else {
				b = m
			}
		}
		return (a + b) / 2
	}
	lo, hi = 0, 1
	if k > 0 {
		lo = bisect(func(p float64) bool { return binomialAtLeast(k, n, p) < alpha/2 })
	}
	if k < n {
		hi = bisect(func(p float64) bool { return binomialAtMost(k, n, p) > alpha/2 })
	}
	return lo, hi
}
