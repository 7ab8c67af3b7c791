// Package memnet is a TCP-like network that lives in memory, for tests on
// virtual time:
//
//	synctest.Test(t, func(t *testing.T) {
//		network := memnet.New()
//		listener, _ := network.Listen("payments:80")
//		server := &http.Server{Handler: handler}
//		go server.Serve(listener)
//		client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
//		client.Get("http://payments/charge")
//		client.CloseIdleConnections()
//		server.Close()
//	})
//
// A goroutine that waits on a real socket keeps the clock of a
// testing/synctest bubble from moving. Here every wait is one that synctest
// counts as durable, no goroutine runs behind the scenes, and the only timers
// are those of deadlines, stopped when their connection is closed. So a
// program that waits for its network lets virtual time pass, and one that has
// closed its connections leaves nothing behind.
//
// A connection behaves as TCP on a Linux loopback does, down to the types and
// texts of the errors: buffered both ways, with half-close, reset and
// deadlines. It departs from Linux on purpose in these places, so that what a
// program sees does not depend on which goroutine ran first:
//
//   - Bytes cross at once, and dialling takes no time.
//   - A write after the peer has closed fails with EPIPE at once. On Linux the
//     first such write succeeds and only the next ones fail.
//   - After a reset every read and write fails with ECONNRESET. On Linux only
//     the first one does, the later ones see EOF and EPIPE.
//   - [Conn.Reset] takes what the peer has not yet read with it. Linux has no
//     such call; Close after SetLinger(0) delivers what had arrived, as there.
//   - At the very instant of a deadline the deadline wins.
//
// Make the network, its listeners and its connections in the bubble that uses
// them; a network made outside of any bubble works too, in real time.
package memnet
