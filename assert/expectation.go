package assert

// An Expectation is a claim about a step or a run. It is a plain value: it
// never sees a *testing.T, and checking it has no side effect. Parse(e.String())
// gives an equal expectation, except for one made by Func.
type Expectation interface {
	Check(Results) Verdict
	String() string
}

// Status is how a check ended.
type Status int

const (
	Pass Status = iota
	Fail
	// Inconclusive means that there was nothing, or too little, to judge. It
	// never counts as passed.
	Inconclusive
)

func (s Status) String() string { return [...]string{"pass", "fail", "inconclusive"}[s] }

// A Verdict is the outcome of one check, with its evidence.
//
// Printed, it reads: Subject = Got, want Want. The wording is for people and
// may change.
type Verdict struct {
	Status  Status
	Subject string   // "client error rate"
	Got     string   // "9.8% (11 of 112 operations)"
	Want    string   // "<= 5%"
	Detail  []string // lines of evidence: "when     ▁▁█… 0s–30s, worst 25% at +2.5s"
}
