package attrib

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// Where the system doesn't say how much memory is free, this much is taken to be.
const assumedFree = 4 << 30

// freeMemory is what can be had without swapping, in bytes.
func freeMemory() int64 {
	if free := procValue("/proc/meminfo", "MemAvailable:"); free > 0 {
		return free
	}
	return assumedFree
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
