package probe_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
)

// TestAgain asks a program twice, and with one thing changed after the other.
func TestAgain(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Exact()
		p := open(t, backend, net)
		in, other := pictures(net, 1), pictures(net, 1)
		tensors.MustMutableFlatData(other, func(values []float32) { values[len(values)-1]++ })
		compiled := func(key string) *probe.Program {
			program, err := p.Program(key, 1, []shapes.Shape{in.Shape()}, func(network probe.Forward, in []*Node) []*Node { return []*Node{network(in[0])} })
			if err != nil {
				t.Fatal(err)
			}
			return program
		}
		program := compiled("a")
		ask := func(program *probe.Program, in *tensors.Tensor) *probe.Outputs {
			t.Helper()
			o, err := program.Again(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := tensors.MustCopyFlatData[float32](o.Tensors[0]), direct(t, backend, net, in); !slices.Equal(got, want) {
				t.Errorf("answers %v, the network's own are %v", got, want)
			}
			return o
		}
		first := ask(program, in)
		if second := ask(program, in); second == first {
			t.Error("outputs that are in use were given to another")
		}
		first.Keep()
		first.Keep() // once too often, which must not free them
		if ask(program, in) != first {
			t.Error("equal inputs were computed anew")
		}
		first.Keep()
		v := net.Store.GetVariable("/conv/weights")
		for what, change := range map[string]func(){
			"another picture": func() {},
			"another program": func() { program = compiled("b") },
			"a weight changed in place": func() {
				tensors.MustMutableFlatData(v.MustValue(), func(values []float32) { values[0]++ })
			},
			"a weight replaced": func() {
				values := tensors.MustCopyFlatData[float32](v.MustValue())
				values[0]++
				set(t, v, values)
			},
		} {
			kept := ask(program, in)
			kept.Keep()
			change()
			picture := in
			if what == "another picture" {
				picture = other
			}
			if o := ask(program, picture); o == kept {
				t.Errorf("%s: what was kept is given out", what)
			}
		}
	})
}

func TestPass(t *testing.T) {
	net := testnet.Exact()
	in := pictures(net, 1)
	program, err := open(t, testbackend.Go(), net).Program("test", 1, []shapes.Shape{in.Shape()}, func(network probe.Forward, in []*Node) []*Node { return []*Node{network(in[0])} })
	if err != nil {
		t.Fatal(err)
	}
	pass, err := program.Pass(context.Background(), in)
	if err != nil || pass <= 0 {
		t.Errorf("a pass takes %v: %v", pass, err)
	}
	if again, _ := program.Pass(context.Background(), in); again != pass {
		t.Errorf("a pass takes %v, then %v: it is measured once", pass, again)
	}
}
