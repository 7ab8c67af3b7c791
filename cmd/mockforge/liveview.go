package main

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/progress"
	tea "charm.land/bubbletea/v2"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A liveView is a run as a terminal shows it: the last report, and what was
// asked of the one who watches.
type liveView struct {
	stop func() (string, error) // outlives the view

	report   orchestrator.Report
	known    bool // a report has come
	now      rates
	pace     *pace
	bar      progress.Model
	width    int
	asking   bool      // Ctrl-C was pressed: what now?
	stopping *stopCall // nil: the server was not asked to stop the run, or has refused
	notice   string    // what the server answered, where it is worth a line
	left     bool      // the run goes on without us
	over     bool      // nothing more will come
}

func newLiveView(stop func() (string, error)) liveView {
	return liveView{stop: stop, pace: &pace{}, width: 80, bar: progress.New(progress.WithoutPercentage(), progress.WithFillCharacters('█', '░'))}
}

// Init has nothing to do: reports come from outside.
func (v liveView) Init() tea.Cmd { return nil }

// Update takes a report, a key or a size.
func (v liveView) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch m := message.(type) {
	case orchestrator.Report:
		v.report, v.known, v.now = m, true, v.pace.add(m)
	case waitEnded:
		v.over = true
		return v, tea.Quit
	case tea.WindowSizeMsg:
		if m.Width > 0 {
			v.width = m.Width
		}
	case stopAnswered:
		v.notice = oneLine(m.message)
		if m.err != nil {
			v.stopping, v.notice = nil, "It was not stopped: "+oneLine(m.err.Error())
		}
	case tea.KeyPressMsg:
		return v.key(m.String())
	}
	return v, nil
}

// key acts on a key. Ctrl-C asks; then s stops the run, Ctrl-C again leaves it
// running, and anything else goes on.
func (v liveView) key(key string) (tea.Model, tea.Cmd) {
	asking := v.asking
	v.asking = false
	switch {
	case key == "ctrl+z":
		return v, tea.Suspend
	case key == "ctrl+c" && (asking || v.stopping != nil):
		v.left = true
		return v, tea.Quit
	case key == "ctrl+c":
		v.asking, v.notice = true, ""
	case key == "s" && asking:
		v.stopping = beginStop(v.stop)
		return v, v.stopping.wait
	}
	return v, nil
}

// View is the screen: a bar, the step, what happens, and the keys.
func (v liveView) View() tea.View { return tea.NewView(v.text()) }

func (v liveView) text() string {
	if !v.known {
		return strings.TrimSuffix("Waiting for the server...\n\n"+v.hint(), "\n\n")
	}
	r := v.report
	var b strings.Builder
	b.WriteString(oneLine(r.Name))
	if r.Iterations != 1 {
		b.WriteString(", iteration " + iteration(r))
	}
	fmt.Fprintf(&b, "\n%s\n", v.progress())
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-10s%s\n", name, text)
		}
	}
	line("step", v.steps())
	if r.Counts.Operations > 0 {
		line("clients", fmt.Sprintf("%s, p50 %s, p99 %s", v.rate(v.now.operations, v.now.failed, "failed"), milliseconds(r.Counts.P50), milliseconds(r.Counts.P99)))
	}
	line("requests", v.rate(v.now.requests, v.now.errors, "errors"))
	line("injected", injected(r.Counts.Injected))
	line("breakers", breakers(r.Breakers))
	if len(r.Failed) > 0 {
		line("failed", list(r.Failed))
	}
	if hint := v.hint(); hint != "" {
		b.WriteString("\n" + hint)
	}
	return b.String()
}

// rate is "50.0/s, 1.2% failed".
func (v liveView) rate(rate, share float64, of string) string {
	if !v.now.known {
		return "..."
	}
	return fmt.Sprintf("%s, %s %s", perSecond(rate), percentage(share), of)
}

// progress is the bar with its numbers.
func (v liveView) progress() string {
	r := v.report
	numbers := fmt.Sprintf(" %3.0f%%  %s", 100*r.Progress, seconds(r.Elapsed))
	if r.Remaining > 0 {
		numbers += fmt.Sprintf(", %s left", seconds(r.Remaining))
	}
	bar := v.bar
	bar.SetWidth(max(5, min(v.width, 100)-len("100%  1h59m59s, 1h59m59s left")-1))
	return bar.ViewAs(r.Progress) + numbers
}

// steps are those in force, with what is left of each.
func (v liveView) steps() string {
	ends := map[string]float64{}
	for _, s := range v.report.Steps {
		if s.State == orchestrator.StepRunning {
			ends[s.Name] = s.End
		}
	}
	var parts []string
	for _, name := range v.report.Current {
		part := oneLine(name)
		if end, ok := ends[name]; ok {
			part += ", " + seconds(max(0, end-v.report.Elapsed)) + " left"
		} else {
			part += ", soon"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 && v.report.State == orchestrator.RunRunning {
		return "between steps"
	}
	return strings.Join(parts, "; ")
}

func (v liveView) hint() string {
	switch {
	case v.over || v.left:
		return ""
	case v.asking:
		return "Stop the run? s stops it, Ctrl-C again leaves it running, any other key goes on."
	case v.stopping != nil:
		return "Stopping..."
	case v.notice != "":
		return v.notice
	}
	return "Ctrl-C to stop the run or to leave it"
}
