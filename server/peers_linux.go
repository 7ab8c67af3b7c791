package server

import (
	"os"
	"sync"
	"syscall"
)

// peers learn from the kernel which clients have left: epoll tells the end of
// a stream even where bytes before it were not read. The zero peers are ready.
type peers struct {
	mu     sync.Mutex
	epoll  *os.File // nil: nothing was watched yet
	gone   map[int32]chan struct{}
	closed bool
}

// watch returns a channel that is closed when the other end of a connection has
// closed its side; nil where that cannot be told.
func (p *peers) watch(c syscall.Conn) <-chan struct{} {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.epoll == nil && !p.open() {
		return nil
	}
	var gone chan struct{}
	_ = raw.Control(func(fd uintptr) { // an error: it is closed already, and its request ends
		event := syscall.EpollEvent{Events: syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
		var added error
		_ = withDescriptor(p.epoll, func(epoll int) { added = syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, int(fd), &event) })
		if added == nil {
			// A connection that is closed leaves epoll by itself, and its place
			// here to the next with that number.
			gone = make(chan struct{})
			p.gone[int32(fd)] = gone
		}
	})
	return gone
}

// open begins to watch. p.mu is held.
func (p *peers) open() bool {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	_ = syscall.SetNonblock(fd, true) // so that the runtime waits for it
	p.epoll, p.gone = os.NewFile(uintptr(fd), "epoll"), map[int32]chan struct{}{}
	raw, err := p.epoll.SyscallConn()
	if err != nil {
		return false
	}
	go func() { _ = raw.Read(p.collect) }() // ends when the file is closed
	return true
}

// collect tells of those that have left. It never reports that it is done.
func (p *peers) collect(epoll uintptr) bool {
	// A number must not find a new owner between the kernel's word and ours.
	p.mu.Lock()
	defer p.mu.Unlock()
	var events [64]syscall.EpollEvent
	for {
		n, err := syscall.EpollWait(int(epoll), events[:], 0)
		if n <= 0 && err != syscall.EINTR {
			return false
		}
		for _, e := range events[:max(n, 0)] {
			if gone := p.gone[e.Fd]; gone != nil {
				close(gone)
				delete(p.gone, e.Fd)
			}
		}
	}
}

func (p *peers) close() {
	p.mu.Lock()
	p.closed = true
	epoll := p.epoll
	p.mu.Unlock()
	if epoll != nil {
		_ = epoll.Close() // waits for collect; nothing was written
	}
}

// withDescriptor calls f with a file's descriptor.
func withDescriptor(file *os.File, f func(fd int)) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}
