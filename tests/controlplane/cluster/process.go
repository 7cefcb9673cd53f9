// This file starts and stops the processes that a control plane consists of.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// grace is how long a process may take to end by itself.
const grace = 3 * time.Second

// process is one running role and the file that it writes its log to.
type process struct {
	role  string
	log   string
	ended chan error
	own   *exec.Cmd
}

// start runs a role of this very program. It dies with this process, whatever kills that, and a
// terminal's Ctrl-C does not reach it. The caller must have locked its thread: the kernel ties the
// one death to the other by thread.
func start(directory, role string, arguments ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(directory, role+".log")
	log, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	own := exec.Command(program, append([]string{role}, arguments...)...)
	own.Dir, own.Stdout, own.Stderr = directory, log, log
	own.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := own.Start(); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", role, err)
	}
	started := &process{role: role, log: path, ended: make(chan error, 1), own: own}
	go func() { started.ended <- own.Wait() }()
	return started, nil
}

// stop ends the process, by force if it takes too long.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

func (p *process) signal(signal syscall.Signal) {
	if err := p.own.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "with-cluster: %s cannot be stopped: %v\n", p.role, err)
	}
}

// tail is the end of the process's log.
func (p *process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// until asks again and again whether something holds, and gives up when a process ends before.
func until(ctx context.Context, what string, processes []*process, holds func(context.Context) error) error {
	for {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		for _, process := range processes {
			select {
			case ended := <-process.ended:
				process.ended <- ended
				return fmt.Errorf("%s ended (%v) before %s:\n%s", process.role, ended, what, process.tail())
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
