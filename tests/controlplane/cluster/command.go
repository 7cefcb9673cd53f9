// This file runs a command beside a control plane of its own, and hands back how it ended.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	couldNotStart = 125
	notFound      = 127
	bySignal      = 128
)

// Run starts a control plane, runs the command with KUBECONFIG set to it, stops everything that it
// started and answers the command's exit code.
func Run(command []string) int {
	if len(command) == 0 {
		fmt.Fprintln(os.Stderr, "usage: with-cluster COMMAND [ARGUMENT…]")
		return couldNotStart
	}
	runtime.LockOSThread()
	// Ctrl-C is for the command alone: the cluster stays until it has ended. It is caught and not
	// ignored, since what is ignored would be so for the command too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGHUP)
	directory, err := os.MkdirTemp("", "gennaker-cluster-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(directory)
	plane, err := startControlPlane(context.Background(), directory)
	if err != nil {
		return complain(err)
	}
	defer plane.stop()
	return plane.run(command, asked)
}

func (p *controlPlane) run(command []string, asked <-chan os.Signal) int {
	tools, err := p.tools()
	if err != nil {
		return complain(err)
	}
	child := exec.Command(command[0], command[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(),
		"KUBECONFIG="+p.kubeconfig(tester),
		"GENNAKER_TEST_KUBECONFIG="+p.kubeconfig(tester),
		"GENNAKER_TEST_AUDIT_LOG="+p.auditLog(),
		"PATH="+tools+":"+os.Getenv("PATH"),
	)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := child.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "with-cluster: %v\n", err)
		return notFound
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case received := <-asked:
			if err := child.Process.Signal(received); err != nil {
				fmt.Fprintf(os.Stderr, "with-cluster: %v\n", err)
			}
		case err := <-ended:
			return exitCode(err)
		}
	}
}

// tools makes a folder for the PATH in which this program is found as kubectl.
func (p *controlPlane) tools() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	tools := filepath.Join(p.directory, "tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		return "", err
	}
	return tools, os.Symlink(program, filepath.Join(tools, "kubectl"))
}

func exitCode(err error) int {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &failed):
		return complain(err)
	case failed.ExitCode() >= 0:
		return failed.ExitCode()
	default:
		return bySignal + int(failed.Sys().(syscall.WaitStatus).Signal())
	}
}

func complain(err error) int {
	fmt.Fprintf(os.Stderr, "with-cluster: %v\n", err)
	return couldNotStart
}
