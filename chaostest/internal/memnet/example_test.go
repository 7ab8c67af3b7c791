package memnet_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

func Example() {
	network := memnet.New()
	defer network.Close()
	listener, err := network.Listen("payments:80")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "charged", r.RemoteAddr)
	})}
	defer server.Close()
	go func() { _ = server.Serve(listener) }()

	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
	resp, err := client.Get("http://payments/charge")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Print(string(body))
	fmt.Println(network.Open())

	_, err = client.Get("http://127.0.0.1:9/")
	fmt.Println(err)
	// Output:
	// charged 127.0.0.1:40001
	// [127.0.0.1:40001 → 127.121.246.38:80]
	// Get "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused
}
