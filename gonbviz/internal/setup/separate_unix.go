//go:build unix

package setup

import (
	"os"
	"os/exec"
	"syscall"
)

// separate puts a program in a process group of its own: a Ctrl-C at the terminal then reaches this program alone,
// which asks the other to stop, once, and with it what the other started.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// gentle makes the program be stopped by one signal to itself, for those that end their own children in order.
func gentle(cmd *exec.Cmd, signal os.Signal) {
	cmd.Cancel = func() error { return cmd.Process.Signal(signal) }
}
