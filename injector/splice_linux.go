package injector

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// maxSplice is the most that moves at once, and what a pipe is made to hold once
// so much comes that it pays: what all pipes of a user hold has a limit too, of
// 64 times that by default.
const (
	maxSplice = 1 << 20
	bulk      = 16 << 10
)

// What package syscall has no names for.
const (
	spliceNonblock = 0x2
	setPipeSize    = 1031
)

// splice lets the kernel carry the bytes until reading ends, with io.EOF or an
// error, or until a layer goes on or the relay ends: os.ErrDeadlineExceeded.
// Nothing of what it has read is lost in front of a layer. Where the kernel
// cannot do that, reading ends with errors.ErrUnsupported, and nothing was read.
// written is why writing failed; then reading goes on.
//
// TCPConn.ReadFrom would do the same, but a read that a deadline has ended takes
// what comes before it is scheduled, and with it what was sent behind a layer.
func (l *lane) splice(from, to *net.TCPConn) (read, written error) {
	source, err := from.SyscallConn()
	if err != nil {
		return err, nil
	}
	sink, err := to.SyscallConn()
	if err != nil {
		return nil, err
	}
	var pipe [2]int
	if syscall.Pipe2(pipe[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return errors.ErrUnsupported, nil // there are no more files
	}
	defer func() {
		_ = syscall.Close(pipe[0]) // a pipe cannot fail to close
		_ = syscall.Close(pipe[1])
	}()
	var n int // bytes in the pipe
	var failed error
	grown := false
	fill := func(fd uintptr) bool {
		n, failed = l.drain(int(fd), pipe[1])
		return failed != syscall.EAGAIN
	}
	empty := func(fd uintptr) bool {
		for failed = nil; n > 0 && failed == nil; {
			var moved int
			if moved, failed = move(pipe[0], int(fd), n); moved == 0 && failed == nil {
				failed = io.ErrNoProgress
			}
			n -= moved
		}
		return failed != syscall.EAGAIN
	}
	for {
		if err := source.Read(fill); err != nil {
			return err, nil
		}
		switch {
		case failed == syscall.EINVAL, failed == syscall.ENOSYS:
			return errors.ErrUnsupported, nil
		case failed != nil:
			return failed, nil
		case n == 0:
			return io.EOF, nil
		}
		moved := n
		l.begun.Store(true)
		err := sink.Write(empty)
		l.landed(moved)
		if err != nil {
			return nil, err
		}
		if failed != nil {
			return nil, failed
		}
		if moved >= bulk && !grown {
			grown = true
			_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(pipe[1]), setPipeSize, maxSplice) // a smaller one is slower
		}
	}
}

// drain moves what has come into a pipe, unless there is a layer. catch waits for it.
func (l *lane) drain(fd, pipe int) (int, error) {
	l.grip.Lock()
	defer l.grip.Unlock()
	if l.relay.target.set.Load() != nil {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := move(fd, pipe, maxSplice)
	if n > 0 {
		l.held.Add(int64(n))
		l.afloat.Store(true)
	}
	return n, err
}

// landed notes that the pipe is empty, or will stay as it is.
func (l *lane) landed(n int) {
	l.held.Add(int64(-n))
	l.afloat.Store(false)
	ring(l.wake)
}

// move moves up to n bytes between a socket and a pipe.
func move(from, to, n int) (int, error) {
	for {
		moved, err := syscall.Splice(from, nil, to, nil, n, spliceNonblock)
		if err != syscall.EINTR {
			return max(int(moved), 0), err
		}
	}
}
