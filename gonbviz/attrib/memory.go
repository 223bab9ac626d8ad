package attrib

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Where the system doesn't say how much memory is free, this much is taken to be.
const assumedFree = 4 << 30

// freeMemory is what can be had without swapping, in bytes.
func freeMemory() int64 { return freeUnder("/") }

// freeUnder is freeMemory by the files of a system whose root is given: what is free on the machine and, in a container,
// of what that may have.
func freeUnder(root string) int64 {
	free := procValue(filepath.Join(root, "proc/meminfo"), "MemAvailable:")
	if free <= 0 {
		free = assumedFree
	}
	for _, limit := range []string{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(filepath.Join(root, limit))
		if err != nil {
			continue
		}
		if bytes, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil { // "max" is no limit
			free = min(free, max(bytes-procValue(filepath.Join(root, "proc/self/status"), "VmRSS:"), 0))
		}
	}
	return free
}

// peakMemory is the most that the process has held, in bytes; 0 where the system doesn't say.
func peakMemory() int64 { return procValue("/proc/self/status", "VmHWM:") }

// procValue reads a line "Name: N kB" of Linux's proc file system, in bytes; 0 where there is none.
func procValue(file, name string) int64 {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == name {
			kilobytes, _ := strconv.ParseInt(words[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
