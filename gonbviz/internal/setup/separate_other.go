//go:build !unix

package setup

import (
	"os"
	"os/exec"
)

func separate(*exec.Cmd) {}

func gentle(*exec.Cmd, os.Signal) {}
