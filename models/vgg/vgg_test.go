package vgg

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/convlens/convlens/models/internal/torch/torchtest"
	"github.com/convlens/convlens/models/weights"
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
	for v, convolutionsAndPoolings := range map[Variant]string{VGG11: "cpcpccpccpccp", VGG13BN: "ccpccpccpccpccp"} {
		torchtest.Compare(t, plans[v].layers(), 64, 64, v.Logits, func(w torchtest.Weights, x torchtest.Map) torchtest.Map {
			n := 0
			name := func() string {
				n++
				return "features." + strconv.Itoa(n-1)
			}
			for _, module := range convolutionsAndPoolings {
				if module == 'p' {
					name()
					x = torchtest.MaxPool(x, 2, 2, 0)
					continue
				}
				x = w.Conv(name(), x, 1, 1)
				if strings.HasSuffix(string(v), "_bn") {
					x = w.Norm(name(), x)
				}
				name()
				x = torchtest.ReLU(x)
			}
			x = torchtest.ReLU(w.Dense("classifier.0", x))
			x = torchtest.ReLU(w.Dense("classifier.3", x))
			return w.Dense("classifier.6", x)
		})
	}
}

// TestTimm holds that timm's names and shapes, in which the first dense layers are convolutions, make the same network.
func TestTimm(t *testing.T) {
	renamed := strings.NewReplacer("classifier.0", "pre_logits.fc1", "classifier.3", "pre_logits.fc2", "classifier.6", "head.fc")
	asTimm := func(list []weights.Tensor, side int) []weights.Tensor {
		list = slices.Clone(list)
		for i, tensor := range list {
			list[i].Name = renamed.Replace(tensor.Name)
			switch tensor.Name {
			case "classifier.0.weight":
				list[i].Shape = []int{tensor.Shape[0], tensor.Shape[1] / side / side, side, side}
			case "classifier.3.weight":
				list[i].Shape = append(slices.Clone(tensor.Shape), 1, 1)
			}
		}
		return list
	}
	layers := plans[VGG16BN].layers()
	// The listing is timm's own.
	want := weightstest.Listing(t, "testdata/timm_vgg16_bn.txt")
	if got := asTimm(torchtest.Tensors(layers, 1000), 7); !reflect.DeepEqual(got, want) {
		t.Fatalf("tensors %v, want %v", got, want)
	}
	layers = torchtest.Narrow(layers)
	list := torchtest.Tensors(layers, 5)
	weightstest.Fill(list)
	x := torchtest.Random(64, 64)
	one := torchtest.Logits(t, torchtest.Open(t, layers, list, VGG16BN.Logits), x)
	two := torchtest.Logits(t, torchtest.Open(t, layers, asTimm(list, 2), VGG16BN.Logits), x)
	if !slices.Equal(one, two) {
		t.Errorf("logits %v with torchvision's names, %v with timm's", one, two)
	}
}

func TestUnknownVariant(t *testing.T) {
	if _, err := Open("vgg12", ""); err == nil || !strings.Contains(err.Error(), `"vgg12"`) || !strings.Contains(err.Error(), `"vgg13_bn"`) {
		t.Errorf("error %v", err)
	}
}
