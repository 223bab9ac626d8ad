// Package resnet is ResNet (He et al. 2015) as torchvision has it: blocks of convolutions with batch normalisation, each
// added to what it was given. The weights come from a file in the layout of torchvision's or timm's checkpoints.
package resnet

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/internal/torch"
)

// Variant is one of the networks, by torchvision's name for it.
type Variant string

// The variants are named after the number of layers with weights.
const (
	ResNet18  Variant = "resnet18"
	ResNet34  Variant = "resnet34"
	ResNet50  Variant = "resnet50"
	ResNet101 Variant = "resnet101"
	ResNet152 Variant = "resnet152"
)

// Variants lists them all.
func Variants() []Variant { return []Variant{ResNet18, ResNet34, ResNet50, ResNet101, ResNet152} }

// plan is a variant: its name, how many blocks are in each of the four stages, and whether they are bottlenecks.
type plan struct {
	name       string
	blocks     [4]int
	bottleneck bool
}

var plans = map[Variant]plan{
	ResNet18:  {"ResNet-18", [4]int{2, 2, 2, 2}, false},
	ResNet34:  {"ResNet-34", [4]int{3, 4, 6, 3}, false},
	ResNet50:  {"ResNet-50", [4]int{3, 4, 6, 3}, true},
	ResNet101: {"ResNet-101", [4]int{3, 4, 23, 3}, true},
	ResNet152: {"ResNet-152", [4]int{3, 8, 36, 3}, true},
}

// conv is a convolution and its normalisation.
type conv struct {
	conv, norm            string
	side, in, out, stride int
}

// block is convolutions one after the other, to whose result its input is added: as it is, or, where the shape changes,
// through a convolution of its own.
type block struct {
	name     string
	convs    []conv
	shortcut *conv
}

// stem is what comes before the blocks.
var stem = conv{"conv1", "bn1", 7, 3, 64, 2}

// list gives the blocks torchvision's names. Of a bottleneck's convolutions the 3×3 one has the stride, as in
// torchvision; in the paper it is the first one.
func (p plan) list() []block {
	var list []block
	in := stem.out
	for stage, blocks := range p.blocks {
		width, stride := 64<<stage, min(stage+1, 2)
		for n := range blocks {
			b := block{name: fmt.Sprintf("layer%d.%d", stage+1, n)}
			add := func(side, out, stride int) {
				i, from := len(b.convs)+1, in
				if i > 1 {
					from = b.convs[i-2].out
				}
				b.convs = append(b.convs, conv{fmt.Sprintf("%s.conv%d", b.name, i), fmt.Sprintf("%s.bn%d", b.name, i), side, from, out, stride})
			}
			out := width
			if p.bottleneck {
				out = 4 * width
				add(1, width, 1)
				add(3, width, stride)
				add(1, out, 1)
			} else {
				add(3, width, stride)
				add(3, width, 1)
			}
			if stride > 1 || in != out {
				b.shortcut = &conv{b.name + ".downsample.0", b.name + ".downsample.1", 1, in, out, stride}
			}
			list = append(list, b)
			in, stride = out, 1
		}
	}
	return list
}

// layers are those with weights.
func (p plan) layers() []torch.Layer {
	var list []torch.Layer
	add := func(c conv) {
		list = append(list, torch.Conv(c.conv, c.side, c.in, c.out, false), torch.Norm(c.norm, c.out))
	}
	add(stem)
	last := 0
	for _, b := range p.list() {
		for _, c := range b.convs {
			add(c)
			last = c.out
		}
		if b.shortcut != nil {
			add(*b.shortcut)
		}
	}
	return append(list, torch.Dense("fc", "", 1, last, torch.Classes))
}

// Open reads the weights of a variant from a safetensors file with the names that torchvision and timm give the
// tensors. The file says how many classes there are; 1000 are taken for those of ImageNet. The input is 224×224 pixels
// in RGB, as torchvision prepares them.
func Open(v Variant, path string) (*models.Network, error) {
	p, found := plans[v]
	if !found {
		return nil, fmt.Errorf("resnet: unknown variant %q; there are %q", v, Variants())
	}
	return torch.Open(path, p.name, p.layers(), v.Logits)
}

// Logits is the network in inference mode, from pictures shaped [batch, height, width, 3] to [batch, classes]. The
// variables lie under scope, each layer's under torchvision's name for it: a convolution's "weights" in conv1 or
// layer1/0/conv1, a normalisation's "scale", "offset", "mean" and "variance" in bn1 or layer1/0/bn1, the dense layer's
// "weights" and "biases" in fc. The sum at the end of a block is layer1/0/add.
func (v Variant) Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	apply := func(c conv, x *graph.Node) *graph.Node {
		return torch.BatchNorm2d(scope, c.norm, torch.Conv2d(scope, c.conv, x, c.stride, c.side/2))
	}
	x := torch.ReLU(apply(stem, pictures))
	x = torch.MaxPool2d(scope, "maxpool", x, 3, 2, 1)
	for _, b := range plans[v].list() {
		y := x
		for i, c := range b.convs {
			if i > 0 {
				y = torch.ReLU(y)
			}
			y = apply(c, y)
		}
		if b.shortcut != nil {
			x = apply(*b.shortcut, x)
		}
		x = torch.ReLU(torch.Named(scope, b.name+".add", graph.Add(y, x)))
	}
	return torch.Linear(scope, "fc", torch.Mean(scope, "avgpool", x))
}
