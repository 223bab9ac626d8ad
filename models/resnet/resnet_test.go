package resnet

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/internal/torch/torchtest"
	"github.com/convlens/convlens/models/weights/weightstest"
)

// TestNames compares with the tensors of torchvision's own networks.
func TestNames(t *testing.T) {
	for _, v := range Variants() {
		torchtest.Names(t, plans[v].layers(), "testdata/"+string(v)+".txt")
	}
}

// TestLogits compares with torchvision's forward pass in plain loops.
func TestLogits(t *testing.T) {
	for v, blocks := range map[Variant][4]int{ResNet18: {2, 2, 2, 2}, ResNet50: {3, 4, 6, 3}} {
		torchtest.Compare(t, plans[v].layers(), 67, 42, v.Logits, func(w torchtest.Weights, x torchtest.Map) torchtest.Map {
			x = torchtest.ReLU(w.Norm("bn1", w.Conv("conv1", x, 2, 3)))
			x = torchtest.MaxPool(x, 3, 2, 1)
			for stage, n := range blocks {
				for block := range n {
					stride := 1
					if stage > 0 && block == 0 {
						stride = 2
					}
					x = plain(w, fmt.Sprintf("layer%d.%d.", stage+1, block), v == ResNet50, x, stride)
				}
			}
			return w.Dense("fc", torchtest.Mean(x))
		})
	}
}

// plain is a block.
func plain(w torchtest.Weights, name string, bottleneck bool, x torchtest.Map, stride int) torchtest.Map {
	var y torchtest.Map
	if bottleneck {
		y = torchtest.ReLU(w.Norm(name+"bn1", w.Conv(name+"conv1", x, 1, 0)))
		y = torchtest.ReLU(w.Norm(name+"bn2", w.Conv(name+"conv2", y, stride, 1)))
		y = w.Norm(name+"bn3", w.Conv(name+"conv3", y, 1, 0))
	} else {
		y = torchtest.ReLU(w.Norm(name+"bn1", w.Conv(name+"conv1", x, stride, 1)))
		y = w.Norm(name+"bn2", w.Conv(name+"conv2", y, 1, 1))
	}
	if _, found := w[name+"downsample.0.weight"]; found {
		x = w.Norm(name+"downsample.1", w.Conv(name+"downsample.0", x, stride, 0))
	}
	return torchtest.ReLU(torchtest.Add(y, x))
}

// TestNamed holds what layers without variables are called, also when the network stands twice in one graph.
func TestNamed(t *testing.T) {
	layers := torchtest.Narrow(plans[ResNet18].layers())
	list := torchtest.Tensors(layers, 5)
	weightstest.Fill(list)
	net := torchtest.Open(t, layers, list, ResNet18.Logits)
	g := graph.NewGraph(gobackend.GetBackend(), "named")
	model.SetStore(g, net.Store)
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 64, 96, 3))
	for range 2 {
		net.Logits(net.Store.RootScope(), x).AssertDims(2, 5)
	}
	for alias, shape := range map[string][]int{
		"/maxpool": {2, 16, 24, 4}, "/layer1/0/add": {2, 16, 24, 4}, "/layer4/1/add": {2, 2, 3, 32}, "/avgpool": {2, 32},
	} {
		if n := g.GetNodeByAlias(alias); n == nil || !slices.Equal(n.Shape().Dimensions, shape) {
			t.Errorf("%s is %v, want shape %v", alias, n, shape)
		}
	}
}

// TestOpen opens a checkpoint in full size.
func TestOpen(t *testing.T) {
	list := weightstest.Listing(t, "testdata/resnet18.txt")
	weightstest.Fill(list)
	path := filepath.Join(t.TempDir(), "resnet18.safetensors")
	weightstest.Write(t, path, list)
	net, err := Open(ResNet18, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := net.Check(); err != nil {
		t.Error(err)
	}
	learned := 0
	for v := range net.Store.IterVariables() {
		if v.Trainable {
			learned += v.Shape().Size()
		}
	}
	if learned != 11_689_512 { // as torchvision counts
		t.Errorf("%d parameters", learned)
	}
	if len(net.Labels) != 1000 || net.Labels[0] != "tench" || net.Name != "ResNet-18" {
		t.Errorf("%d labels, name %q", len(net.Labels), net.Name)
	}
	in := net.Input
	if in.Height != 224 || in.Width != 224 || in.Order != models.RGB || in.High != 1 || !slices.Equal(in.Mean, []float32{0.485, 0.456, 0.406}) {
		t.Errorf("input %+v", in)
	}
	if _, err := Open(ResNet34, path); err == nil || !strings.Contains(err.Error(), "resnet18.safetensors: ResNet-34 needs tensor \"layer1.2.conv1.weight\" of shape [64 64 3 3]") {
		t.Errorf("error %v", err)
	}
}

func TestUnknownVariant(t *testing.T) {
	if _, err := Open("resnet12", ""); err == nil || !strings.Contains(err.Error(), `"resnet12"`) || !strings.Contains(err.Error(), `"resnet152"`) {
		t.Errorf("error %v", err)
	}
}
