package gonbviz_test

import (
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
)

// TestOpenWith holds that two looks at one store are possible on one backend, as a training needs it.
func TestOpenWith(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "go")
	backend, err := gonbviz.Backend()
	if err != nil {
		t.Fatal(err)
	}
	net := testnet.Exact()
	for range 2 {
		lens, err := gonbviz.OpenWith(backend, net)
		if err != nil {
			t.Fatal(err)
		}
		if lens.BackendName() != "go" || !strings.Contains(lens.Running, "go") {
			t.Errorf("%q", lens.Running)
		}
		if _, err := lens.Filters("conv"); err != nil {
			t.Error(err)
		}
	}
	if _, err := gonbviz.OpenWith(backend, nil); err == nil {
		t.Error("nothing was opened without an error")
	}
	t.Setenv("GOMLX_BACKEND", "none")
	if _, err := gonbviz.Backend(); err == nil {
		t.Error("a backend that isn't there was opened")
	}
}
