//go:build unix

package main

import (
	"errors"
	"syscall"
	"testing"
)

// A pipe that nobody writes to must not be waited for, nor one be written over.
func TestPipes(t *testing.T) {
	inFolder(t)
	if err := errors.Join(syscall.Mkfifo("pipe.png", 0o600), syscall.Mkfifo("pipe.npy", 0o600)); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{
		{"--image", "pipe.png"}, {"--image", "pipe.npy"}, {"--labels", "pipe.png"}, {"--out", "pipe.png"},
	} {
		fails(t, statusFailed, args[1], append([]string{"predict", "--backend", "go", "--model", "branches"}, args...)...)
	}
}
