//go:build linux || darwin

package cache_test

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/convlens/convlens/gonbviz/internal/cache"
)

// TestFull can write only the beginning of a file, as on a full disk.
func TestFull(t *testing.T) {
	c := cache.In(t.TempDir())
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Skip(err)
	}
	small := before
	small.Cur = 1000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Skip(err)
	}
	err := c.Put(key("a"), "numbers", numbers(1))
	if restored := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); restored != nil {
		t.Fatal(restored)
	}
	if err == nil || c.Get(key("a"), new([]float32)) {
		t.Errorf("half a result was kept: %v", err)
	}
	if _, size, _ := c.Clear(); size > 0 {
		t.Errorf("%s are left", size)
	}
}
