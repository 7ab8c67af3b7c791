package assert

import "fmt"

// String is the verdict's first line: Subject = Got, want Want.
func (v Verdict) String() string { return v.Subject + " = " + v.Got + ", want " + v.Want }

// unknown makes the verdict inconclusive for want of samples.
func (v Verdict) unknown(thing, hint string) Verdict {
	v.Status, v.Got = Inconclusive, "unknown (0 "+thing+"s)"
	v.Detail = evidence(hintLine(hint))
	return v
}

func (v *Verdict) detail(label, format string, args ...any) {
	v.Detail = append(v.Detail, line(label, fmt.Sprintf(format, args...)))
}

func (v *Verdict) hint(format string, args ...any) { v.detail("hint", format, args...) }
