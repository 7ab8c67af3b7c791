package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A process is this program in another role.
type process struct {
	url string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(role, upstream string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, "-role", role, "-upstream", upstream)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.url, err = p.line(); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return p, nil
}

func (p *process) line() (string, error) {
	text, err := p.out.ReadString('\n')
	return strings.TrimSpace(text), err
}

// cpu is the CPU time that the process has used.
func (p *process) cpu() (time.Duration, error) {
	if _, err := fmt.Fprintln(p.in); err != nil {
		return 0, err
	}
	text, err := p.line()
	if err != nil {
		return 0, err
	}
	us, err := strconv.ParseInt(text, 10, 64)
	return time.Duration(us) * time.Microsecond, err
}

func (p *process) stop() {
	_ = p.in.Close() // it ends with its input
	_ = p.cmd.Wait()
}
