package orchestrator

// A Rule names the reason of a warning, so that a program can tell warnings
// apart without reading their text.
type Rule string

const (
	EndlessLoop       Rule = "endless-loop"       // the loop has no end
	ZeroLengthLoop    Rule = "zero-length-loop"   // the loop takes no time; refused at run time
	LoopWithoutLimit  Rule = "loop-without-limit" // loop_orchestration without max_iterations
	UnusedLimit       Rule = "unused-limit"       // max_iterations without loop_orchestration
	TwoDelays         Rule = "two-delays"         // fixed and random latency
	NoEffect          Rule = "no-effect"          // a section in which nothing can act
	OverriddenName    Rule = "overridden-name"    // a scenario's name that its config overrides
	SmallBurst        Rule = "small-burst"        // a burst below a twentieth of the rate
	ConditionalFinish Rule = "conditional-finish" // a last step for cleanup that failures skip
	NoLoad            Rule = "no-load"            // a claim about the client where the document drives no load
)
