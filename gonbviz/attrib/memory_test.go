package attrib

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFreeMemory reads what systems say: a machine, containers with a limit and without, and nothing at all.
func TestFreeMemory(t *testing.T) {
	meminfo, status := "MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n", "VmHWM:\t 900 kB\nVmRSS:\t 500 kB\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing":      {nil, assumedFree},
		"machine":      {map[string]string{"proc/meminfo": meminfo}, 8000000 << 10},
		"limit":        {map[string]string{"proc/meminfo": meminfo, "proc/self/status": status, "sys/fs/cgroup/memory.max": "2147483648\n"}, 2<<30 - 500<<10},
		"no limit":     {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 8000000 << 10},
		"older limit":  {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1048576\n"}, 1 << 20},
		"no old limit": {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8000000 << 10},
		"all is used":  {map[string]string{"proc/meminfo": meminfo, "proc/self/status": status, "sys/fs/cgroup/memory.max": "4096\n"}, 0},
	} {
		root := t.TempDir()
		for file, text := range test.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := freeUnder(root); got != test.want {
			t.Errorf("%s: %d bytes, want %d", name, got, test.want)
		}
	}
}
