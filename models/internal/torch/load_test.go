package torch_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models/internal/torch"
	"github.com/convlens/convlens/models/internal/torch/torchtest"
	"github.com/convlens/convlens/models/weights"
	"github.com/convlens/convlens/models/weights/weightstest"
)

// small are layers of each kind.
var small = []torch.Layer{
	torch.Conv("one.conv", 3, 2, 4, true),
	torch.Norm("one.bn", 4),
	torch.Dense("two", "head.two", 2, 4, 19),
	torch.Dense("three", "", 1, 19, torch.Classes),
}

func checkpoint() []weights.Tensor {
	list := torchtest.Tensors(small, 5)
	weightstest.Fill(list)
	return list
}

// open makes a network that is not run.
func open(t *testing.T, list []weights.Tensor) (store *model.Store, err error) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	weightstest.Write(t, path, list)
	net, err := torch.Open(path, "Small", small, func(*model.Scope, *graph.Node) *graph.Node { return nil })
	if err != nil {
		return nil, err
	}
	return net.Store, nil
}

// TestVariables holds where the tensors' values go, one by one.
func TestVariables(t *testing.T) {
	list := checkpoint()
	counter := weights.Tensor{Name: "one.bn.num_batches_tracked", Shape: []int{}, Values: []float32{3}}
	store, err := open(t, append(slices.Clone(list), counter))
	if err != nil {
		t.Fatal(err)
	}
	w := torchtest.NewWeights(list)
	for variable, c := range map[string]struct {
		tensor    string
		shape     []int
		trainable bool
		from      func(i int) int // which of the tensor's values is value i
	}{
		"/one/conv/weights": {"one.conv.weight", []int{3, 3, 2, 4}, true, func(i int) int { return (i%4*2+i/4%2)*9 + i/8 }},
		"/one/conv/biases":  {"one.conv.bias", []int{4}, true, nil},
		"/one/bn/scale":     {"one.bn.weight", []int{4}, true, nil},
		"/one/bn/offset":    {"one.bn.bias", []int{4}, true, nil},
		"/one/bn/mean":      {"one.bn.running_mean", []int{4}, false, nil},
		"/one/bn/variance":  {"one.bn.running_var", []int{4}, false, nil},
		// 4 channels of 2×2 places, in the file channel after channel, here place after place.
		"/two/weights":   {"two.weight", []int{16, 19}, true, func(i int) int { return (i%19*4+i/19%4)*4 + i/19/4 }},
		"/two/biases":    {"two.bias", []int{19}, true, nil},
		"/three/weights": {"three.weight", []int{19, 5}, true, func(i int) int { return i%5*19 + i/5 }},
		"/three/biases":  {"three.bias", []int{5}, true, nil},
	} {
		v := store.GetVariable(variable)
		got, err := tensors.CopyFlatData[float32](v.MustValue())
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(w[c.tensor].Values)
		for i := range want {
			if c.from != nil {
				want[i] = w[c.tensor].Values[c.from(i)]
			}
		}
		if !slices.Equal(v.Shape().Dimensions, c.shape) || v.Trainable != c.trainable || !slices.Equal(got, want) {
			t.Errorf("%s: shape %s, trainable %t, %v, want %v", variable, v.Shape(), v.Trainable, got, want)
		}
	}
	if n := store.NumVariables(); n != 10 {
		t.Errorf("%d variables", n)
	}
}

// TestErrors changes one thing after the other in a checkpoint.
func TestErrors(t *testing.T) {
	for want, change := range map[string]func(list []weights.Tensor) []weights.Tensor{
		`Small needs tensor "one.bn.running_var" of shape [4], which is not there`: without("one.bn.running_var"),
		`Small needs tensor "two.weight" of shape [19 16], which is not there`:     without("two.weight"),
		`needs tensor "three.weight" of shape [classes 19], which is not there`:    without("three.weight"),
		`needs tensor "three.bias" of shape [5], which is not there`:               without("three.bias"),
		`tensor "one.conv.weight" has shape [2 4 3 3]; Small needs [4 2 3 3]`:      shaped("one.conv.weight", 2, 4, 3, 3),
		`tensor "one.conv.bias" has shape [4 1]; Small needs [4]`:                  shaped("one.conv.bias", 4, 1),
		`tensor "two.weight" has shape [16 19]; Small needs [19 16]`:               shaped("two.weight", 16, 19),
		`tensor "three.weight" has shape [0 19]; Small needs [classes 19]`:         shaped("three.weight", 0, 19),
		`tensor "three.weight" has shape [95]; Small needs [classes 19]`:           shaped("three.weight", 95),
		`tensor "three.weight" has shape []; Small needs [classes 19]`:             shaped("three.weight"),
		`tensor "three.bias" has shape [6]; Small needs [5]`:                       shaped("three.bias", 6),
		`tensor "four.weight" is there, which Small does not have`:                 with("four.weight", 1),
		`tensor "" is there, which Small does not have`:                            with("", 1),
		`tensor "one.num_batches_tracked" is there`:                                with("one.num_batches_tracked", 1),
		`tensor "head.two.bias" is there, which Small does not have`:               with("head.two.bias", 19),
		`tensor "one.bn.running_var" has a variance below 0`: func(list []weights.Tensor) []weights.Tensor {
			list[find(list, "one.bn.running_var")].Values[2] = -1e-3
			return list
		},
	} {
		_, err := open(t, change(checkpoint()))
		if err == nil || !strings.Contains(err.Error(), "w.safetensors: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := torch.Open("missing.safetensors", "Small", small, nil); err == nil || !strings.Contains(err.Error(), "missing.safetensors") {
		t.Errorf("error %v", err)
	}
}

func find(list []weights.Tensor, name string) int {
	return slices.IndexFunc(list, func(t weights.Tensor) bool { return t.Name == name })
}

func without(name string) func([]weights.Tensor) []weights.Tensor {
	return func(list []weights.Tensor) []weights.Tensor {
		i := find(list, name)
		return slices.Delete(list, i, i+1)
	}
}

func with(name string, shape ...int) func([]weights.Tensor) []weights.Tensor {
	return func(list []weights.Tensor) []weights.Tensor {
		list = append(list, weights.Tensor{Name: name, Shape: shape})
		weightstest.Fill(list[len(list)-1:])
		return list
	}
}

func shaped(name string, shape ...int) func([]weights.Tensor) []weights.Tensor {
	return func(list []weights.Tensor) []weights.Tensor {
		i := find(list, name)
		list[i].Shape = shape
		weightstest.Fill(list[i : i+1])
		return list
	}
}

// TestHeaderFirst holds that a checkpoint of another network is refused without a look at its data, which here has a
// value that would be an error of its own.
func TestHeaderFirst(t *testing.T) {
	list := checkpoint()
	last := len(list) - 1
	list[0].Values[0] = float32(math.NaN())
	if _, err := open(t, list); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("error %v", err)
	}
	list[last].Name = "three.other"
	if _, err := open(t, list); err == nil || !strings.Contains(err.Error(), `needs tensor "three.bias"`) {
		t.Errorf("error %v", err)
	}
}

// TestNetworksAreApart holds that nothing done to one network is seen in the next.
func TestNetworksAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	weightstest.Write(t, path, checkpoint())
	for range 2 {
		net, err := torch.Open(path, "Small", small, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(net.Input.Mean, len(net.Labels)); got != "[0.485 0.456 0.406] 0" {
			t.Error(got)
		}
		net.Input.Mean[0], net.Input.Deviation[0] = 0, 1
	}
}
