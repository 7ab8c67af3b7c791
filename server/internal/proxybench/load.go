package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A turn is what one contestant did in one round.
type turn struct {
	rate     float64 // requests a second
	p50, p99 float64 // µs
	cpu      float64 // µs a request
}

// measure keeps every connection busy with one request at a time.
func measure(p *process, length time.Duration, conns int) (turn, error) {
	before, err := p.cpu()
	if err != nil {
		return turn{}, err
	}
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wait sync.WaitGroup
	begun := time.Now()
	end := begun.Add(length)
	for range conns {
		wait.Go(func() {
			times, err := drive(strings.TrimPrefix(p.url, "http://"), end)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, times...)
			failed = errors.Join(failed, err)
		})
	}
	wait.Wait()
	took := time.Since(begun)
	after, err := p.cpu()
	if err = errors.Join(failed, err); err != nil {
		return turn{}, err
	}
	slices.Sort(all)
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	n := float64(len(all))
	return turn{rate: n / took.Seconds(), p50: us(all[len(all)/2]), p99: us(all[len(all)*99/100]), cpu: us(after-before) / n}, nil
}

// drive sends the same request again and again and reads just enough of the
// answers.
func drive(addr string, end time.Time) (times []time.Duration, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	request := []byte("GET /orders/12345 HTTP/1.1\r\nHost: " + addr + "\r\nAccept: */*\r\nUser-Agent: proxybench\r\n\r\n")
	in := bufio.NewReader(conn)
	for at := time.Now(); at.Before(end); {
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		if err := skip(in); err != nil {
			return nil, err
		}
		now := time.Now()
		times = append(times, now.Sub(at))
		at = now
	}
	return times, nil
}

// skip reads one answer of known length.
func skip(in *bufio.Reader) error {
	size := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && string(line[9:12]) != "200" && string(line[9:12]) != "503" {
			return fmt.Errorf("answer: %s", line)
		}
		if len(line) == 2 {
			break
		}
		const name = "content-length: "
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if size, err = strconv.Atoi(strings.TrimSpace(string(line[len(name):]))); err != nil {
				return err
			}
		}
	}
	if size < 0 {
		return errors.New("an answer has no length")
	}
	_, err := io.CopyN(io.Discard, in, int64(size))
	return err
}
