package injector

import (
	"errors"
	"io"
	"net"
	"time"
)

// lastReads bound what is read of a connection before it is closed.
const (
	lastBytes = 1 << 20
	lastWait  = time.Millisecond
)

// end ends both connections, and everything that belongs to the relay.
func (r *relay) end(how how, kind string) {
	close(r.ended)
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.pace().sync()
	r.told(outcome{fault: kind, failed: kind != ""})
	if how == howReset {
		reset(r.client.Conn)
		_ = r.client.Close() // it is gone either way
		r.apart()
		reset(r.upstream)
		_ = r.upstream.Close()
		r.readers.Wait()
		r.pumps.Wait()
		return
	}
	past := time.Unix(1, 0)
	if r.client.SetDeadline(past) != nil || r.upstream.SetDeadline(past) != nil {
		_ = r.client.Close() // what it cannot be asked to stop ends with it
		_ = r.upstream.Close()
	}
	r.readers.Wait()
	r.pumps.Wait()
	said := [2]bool{r.goodbye(r.client), r.goodbye(r.upstream)}
	if said[0] {
		lastWords(r.client.Conn)
	}
	if said[1] {
		lastWords(r.upstream)
	}
	_ = r.client.Close()
	_ = r.upstream.Close()
}

// goodbye tells a peer that nothing more comes. It reports false where only a
// close can say that: then it closes.
func (r *relay) goodbye(c net.Conn) bool {
	if r.passes == 2 {
		return false // it was said
	}
	r.apart()
	if closeWrite(c) != nil {
		_ = c.Close() // it is gone either way
		return false
	}
	return true
}

// apart keeps what the two peers notice from happening at one instant.
func (r *relay) apart() {
	if p := r.pace(); p.slot != nil {
		time.Sleep(1)
		p.sync()
	}
}

// lastWords reads what has arrived of a connection that is going to be closed:
// a close would else turn into a reset, which can overtake what was sent.
func lastWords(c net.Conn) {
	if c.SetDeadline(time.Now().Add(lastWait)) == nil {
		_, _ = io.CopyN(io.Discard, c, lastBytes) // for the bytes' sake only
	}
}

// closeWrite ends one direction of a connection, where it can.
func closeWrite(c net.Conn) error {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
