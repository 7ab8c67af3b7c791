package docs_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// seenTCP are the rows of docs/faults.md about TCP, and the toxic that shows
// what they say.
var seenTCP = []struct {
	row      string
	toxic    injector.Toxic
	patience time.Duration // of a read. Default: long
}{
	{row: "`tcp_refuse`", toxic: injector.Toxic{Type: injector.ToxicRefuse}},
	{row: "`tcp_down`", toxic: injector.Toxic{Type: injector.ToxicDown}},
	{row: "`tcp_latency`", toxic: toxic(injector.ToxicLatency, injector.ToxicAttributes{Latency: 2 * time.Millisecond})},
	{row: "`tcp_bandwidth`", toxic: toxic(injector.ToxicBandwidth, injector.ToxicAttributes{Rate: 1000})},
	{row: "`tcp_slow_close`", toxic: toxic(injector.ToxicSlowClose, injector.ToxicAttributes{Delay: 2 * time.Millisecond})},
	{row: "`tcp_timeout`", toxic: toxic(injector.ToxicTimeout, injector.ToxicAttributes{Timeout: 2 * time.Millisecond})},
	{row: "`tcp_timeout` of 0", toxic: toxic(injector.ToxicTimeout, injector.ToxicAttributes{}), patience: 50 * time.Millisecond},
	{row: "`tcp_reset_peer`", toxic: toxic(injector.ToxicReset, injector.ToxicAttributes{})},
	{row: "`tcp_close`", toxic: toxic(injector.ToxicClose, injector.ToxicAttributes{})},
	{row: "`tcp_slicer`", toxic: toxic(injector.ToxicSlicer, injector.ToxicAttributes{AverageSize: 5})},
	{row: "`tcp_limit_data`", toxic: toxic(injector.ToxicLimitData, injector.ToxicAttributes{Bytes: 10})},
}

func toxic(of injector.ToxicType, a injector.ToxicAttributes) injector.Toxic {
	return injector.Toxic{Type: of, Stream: injector.Downstream, Attributes: a}
}

// A row says what a client that reads from a connection gets: the bytes, and
// the error after them.
func TestFaultsOfTCPAreSeenAsThePageSays(t *testing.T) {
	t.Parallel()
	rows := faultRows(t, "fault")
	for _, tt := range seenTCP {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			at := slices.IndexFunc(rows, func(r faultRow) bool { return r.cells[0] == tt.row })
			require.GreaterOrEqual(t, at, 0, "%s has no row %s", faultsPage, tt.row)
			for _, fact := range receive(t, tt.toxic, tt.patience) {
				require.Contains(t, rows[at].cells[2], fact, rows[at].at())
			}
		})
	}
}

// receive lists what a client gets through a toxic of what its upstream sends.
func receive(t *testing.T, x injector.Toxic, patience time.Duration) (got []string) {
	t.Helper()
	in := injector.New()
	in.Apply(injector.Layer{Name: "step", Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{x}}}, Seed: new(uint64(1))})
	back := acceptOne(t, func(c net.Conn) {
		if x.Type != injector.ToxicReset { // what comes before the reset passes
			_, _ = io.WriteString(c, original)
		}
		if x.Type != injector.ToxicTimeout && x.Type != injector.ToxicReset {
			_ = c.(*net.TCPConn).CloseWrite()
		}
		_, _ = io.Copy(io.Discard, c)
	})
	dialed := make(chan struct{}) // or a reset may come before the client is told that it is connected
	front := acceptOne(t, func(c net.Conn) {
		<-dialed
		_ = in.Relay(t.Context(), c, func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", back)
		})
	})
	c, err := net.Dial("tcp", front)
	close(dialed)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	if patience == 0 {
		patience = time.Minute
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	bytes, err := io.ReadAll(c)
	switch {
	case string(bytes) == original:
		got = append(got, "the same bytes")
	case len(bytes) > 0:
		got = append(got, "so many bytes")
	}
	switch {
	case err == nil: // ReadAll takes io.EOF for the end
		got = append(got, "`io.EOF`")
	case errors.Is(err, os.ErrDeadlineExceeded):
		got = append(got, "`i/o timeout`", "`os.ErrDeadlineExceeded`")
	default:
		got = append(got, seenError(err)...)
	}
	return got
}

// acceptOne listens, and handles one connection.
func acceptOne(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		handle(c)
	}()
	return l.Addr().String()
}
