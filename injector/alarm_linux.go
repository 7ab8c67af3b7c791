package injector

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// clockMonotonic is what package syscall has no name for.
const clockMonotonic = 1

// An alarmClock is a timer of the kernel's, to which reads of a file wait. It is
// late by what it takes to wake up.
type alarmClock struct {
	fd   uintptr
	file *os.File
	buf  [8]byte
}

func newAlarmClock() (*alarmClock, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, errno
	}
	return &alarmClock{fd: fd, file: os.NewFile(fd, "timerfd")}, nil
}

// set makes it go off after d, and at no instant that was set before.
func (a *alarmClock) set(d time.Duration) {
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(int64(max(d, 1)))}
	_, _, _ = syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, a.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0) // a good file and time cannot fail
}

// wait waits until it goes off. It reports false where it cannot.
func (a *alarmClock) wait() bool {
	_, err := a.file.Read(a.buf[:])
	return err == nil
}

func (a *alarmClock) close() { _ = a.file.Close() } // nothing was written to it

// isKernelTime reports whether now, which was just read, is the kernel's time:
// that of a testing/synctest bubble is another one.
func isKernelTime(now time.Time) bool {
	var tv syscall.Timeval
	if err := syscall.Gettimeofday(&tv); err != nil {
		return false
	}
	return now.Sub(time.Unix(tv.Unix())).Abs() < time.Second
}
