// Package testbackend gives tests the backends on which this machine can run a network.
package testbackend

import (
	"os"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// RequireEnv is the environment variable that turns every skip into a failure, with any value but an empty one.
const RequireEnv = "CONVLENS_REQUIRE"

// Go is the backend in pure Go, which every machine has; one for the process.
func Go() compute.Backend { return gobackend.GetBackend() }

var openXLA = sync.OnceValues(func() (compute.Backend, error) {
	backend, _, err := plugin.Open("xla")
	return backend, err
})

// XLA is XLA's backend, one for the process. Where it can't be had the test is skipped with the reason.
func XLA(t testing.TB) compute.Backend {
	t.Helper()
	backend, err := openXLA()
	if err != nil {
		Skip(t, err.Error())
	}
	return backend
}

// Each runs test as a subtest on pure Go and on XLA, the latter skipped where it can't be had.
func Each(t *testing.T, test func(t *testing.T, backend compute.Backend)) {
	t.Helper()
	t.Run("go", func(t *testing.T) { test(t, Go()) })
	t.Run("xla", func(t *testing.T) { test(t, XLA(t)) })
}

// Skip skips the test because the machine lacks something, or fails it where RequireEnv says that nothing may lack.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv(RequireEnv) != "" {
		t.Fatalf("%s (required by %s)", reason, RequireEnv)
	}
	t.Skip(reason)
}
