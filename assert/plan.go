package assert

import "math"

// blockSize is the number of requests over which exact sampling is exact.
const blockSize = 20

// plannedCounts is the smallest and the largest number of hits that exact
// sampling can plan for n requests of one rule at probability p.
//
// After b whole blocks the cumulative quota is floor(20·b·p + phase), with a
// seeded phase in [0, 1); inside the last, partial block of k requests the
// places of its quota are unknown.
func plannedCounts(n int, p float64) (least, most int) {
	blocks, k := n/blockSize, n%blockSize
	before, after := quota(blocks, p), quota(blocks+1, p)
	least, most = math.MaxInt, 0
	// The quotas change only where the phase completes one of the fractions.
	for _, phase := range []float64{0, 1 - fraction(before), 1 - fraction(after)} {
		done := int(math.Floor(snap(before + phase)))
		block := int(math.Floor(snap(after+phase))) - done
		least = min(least, done+max(0, block-(blockSize-k)))
		most = max(most, done+min(block, k))
	}
	return least, most
}

func quota(blocks int, p float64) float64 { return snap(float64(blockSize) * float64(blocks) * p) }

// snap removes the rounding error of a product that is meant to be whole.
func snap(x float64) float64 {
	if whole := math.Round(x); math.Abs(x-whole) < 1e-9*math.Max(1, math.Abs(x)) {
		return whole
	}
	return x
}

// fraction is the part of x after the point; 1 - fraction is then a phase
// below 1 only when there is one, and a phase of 1 is one quota too far.
func fraction(x float64) float64 {
	if f := x - math.Floor(x); f > 0 {
		return f
	}
	return 1
}

// plannedOver is plannedCounts for several rules that were added up. How the
// requests were split is unknown, so each further rule widens the range by the
// most that a partial block can deviate from its share.
func plannedOver(d Draws, p float64) (least, most int) {
	if d.Rules <= 1 {
		return plannedCounts(d.Requests, p)
	}
	slack := float64(d.Rules) * (blockSize*p*(1-p) + 1)
	if p == 0 || p == 1 {
		slack = 0
	}
	mean := float64(d.Requests) * p
	return max(0, int(math.Ceil(snap(mean-slack)))), min(d.Requests, int(math.Floor(snap(mean+slack))))
}
