package server

import "net/http"

// Calls of the documented system that are not built. They say so, and what to
// use instead, rather than confirm what has no effect.

const (
	noRecording = "the API records nothing, because it would write to any path that it is told: start the server with serve --event-log FILE, which records every run"
	noReplay    = `the API replays nothing, because it would read any path that it is told: replay a recorded run in a test, with chaostest.Replay(t, "run.chaos.jsonl", body)`
	noSchedule  = "the server has no schedule of its own: let cron run mockforge orchestrate start --name NAME"
)

// unbuilt lists them.
func unbuilt() (list []endpoint) {
	add := func(reason string, calls ...endpoint) {
		for _, e := range calls {
			e.handle = func(http.ResponseWriter, *http.Request) error { return refuse(http.StatusNotImplemented, "%s", reason) }
			list = append(list, e)
		}
	}
	post := func(path string) endpoint { return endpoint{method: "POST", path: path} }
	get := func(path string) endpoint { return endpoint{method: "GET", path: path} }
	add(noRecording,
		post("/recording/start"), post("/recording/stop"), get("/recording/status"), post("/recording/export"))
	add(noReplay,
		post("/replay/start"), post("/replay/pause"), post("/replay/resume"), post("/replay/stop"), get("/replay/status"))
	add(noSchedule,
		post("/schedule"), get("/schedules"), get("/schedule/{id}"), endpoint{method: "DELETE", path: "/schedule/{id}"},
		post("/schedule/{id}/enable"), post("/schedule/{id}/disable"), post("/schedule/{id}/trigger"))
	return list
}
