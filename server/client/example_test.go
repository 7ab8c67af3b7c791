package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// fake stands for a server whose run is over when it is looked at for the
// second time.
func fake() *httptest.Server {
	looks := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/chaos/orchestration/start", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"message": "Orchestration 'outage' started successfully", "id": "r1", "seed": "0x7"}`)
	})
	mux.HandleFunc("GET /api/chaos/orchestration/history/r1", func(w http.ResponseWriter, _ *http.Request) {
		if looks++; looks == 1 {
			_, _ = io.WriteString(w, `{"id": "r1", "state": "running", "progress": 0.5, "current_steps": ["down"]}`)
			return
		}
		_, _ = io.WriteString(w, `{"id": "r1", "state": "completed", "progress": 1}`)
	})
	mux.HandleFunc("GET /api/chaos/events", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "event: step\ndata: {\"name\": \"down\", \"state\": \"passed\"}\n\nevent: run\ndata: {\"state\": \"completed\"}\n\n")
	})
	mux.HandleFunc("PUT /api/chaos/config/latency", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"message": "Latency configuration updated"}`)
	})
	return httptest.NewServer(mux)
}

func Example() {
	server := fake()
	defer server.Close()
	ctx := context.Background()

	c, err := client.New(server.URL, client.WithToken("secret"), client.WithPollInterval(time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	started, err := c.Start(ctx, &orchestrator.Orchestration{
		Name:  "outage",
		Steps: []orchestrator.Step{{Name: "down", Scenario: orchestrator.Scenario{Name: "service_instability"}, Duration: time.Minute}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(started.Message)
	report, err := c.Wait(ctx, started.ID, func(r orchestrator.Report) {
		fmt.Printf("%.0f%% %s %v\n", 100*r.Progress, r.State, r.Current)
	})
	fmt.Println(report.State, err)
	// Output:
	// Orchestration 'outage' started successfully
	// 50% running [down]
	// 100% completed []
	// completed <nil>
}

func ExampleClient_Events() {
	server := fake()
	defer server.Close()
	c, err := client.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range c.Events(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		switch {
		case event.Step != nil:
			fmt.Println("step", event.Step.Name, event.Step.State)
		case event.Run != nil:
			fmt.Println("run", event.Run.State)
			return
		}
	}
	// Output:
	// step down passed
	// run completed
}

func ExampleClient_SetSection() {
	server := fake()
	defer server.Close()
	c, err := client.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := c.SetSection(context.Background(), "latency", []byte(`{"fixed_delay_ms": 250}`))
	fmt.Println(reply.Message, err)
	// Output: Latency configuration updated <nil>
}

// Nobody listens at port 1.
func ExampleErrUnreachable() {
	c, err := client.New("http://127.0.0.1:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Status(context.Background())
	fmt.Println(errors.Is(err, client.ErrUnreachable))
	// Output: true
}
