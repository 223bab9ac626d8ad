// Package vgg is VGG (Simonyan and Zisserman 2014) as torchvision has it: 3×3 convolutions, of which there are more
// from variant to variant, with and without batch normalisation, and three dense layers. The weights come from a file
// in the layout of torchvision's or timm's checkpoints.
package vgg

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/internal/torch"
)

// Variant is one of the networks, by torchvision's name for it.
type Variant string

// The variants are named after the number of layers with weights; BN stands for batch normalisation.
const (
	VGG11   Variant = "vgg11"
	VGG11BN Variant = "vgg11_bn"
	VGG13   Variant = "vgg13"
	VGG13BN Variant = "vgg13_bn"
	VGG16   Variant = "vgg16"
	VGG16BN Variant = "vgg16_bn"
	VGG19   Variant = "vgg19"
	VGG19BN Variant = "vgg19_bn"
)

// Variants lists them all.
func Variants() []Variant {
	return []Variant{VGG11, VGG11BN, VGG13, VGG13BN, VGG16, VGG16BN, VGG19, VGG19BN}
}

// widths are the channels of the convolutions in the five blocks, each of which ends in a pooling.
var widths = [5]int{64, 128, 256, 512, 512}

// plan is a variant: its name, how many convolutions are in each block, and whether each has a batch normalisation.
type plan struct {
	name   string
	convs  [5]int
	normed bool
}

var plans = map[Variant]plan{
	VGG11:   {"VGG-11", [5]int{1, 1, 2, 2, 2}, false},
	VGG11BN: {"VGG-11 with batch normalisation", [5]int{1, 1, 2, 2, 2}, true},
	VGG13:   {"VGG-13", [5]int{2, 2, 2, 2, 2}, false},
	VGG13BN: {"VGG-13 with batch normalisation", [5]int{2, 2, 2, 2, 2}, true},
	VGG16:   {"VGG-16", [5]int{2, 2, 3, 3, 3}, false},
	VGG16BN: {"VGG-16 with batch normalisation", [5]int{2, 2, 3, 3, 3}, true},
	VGG19:   {"VGG-19", [5]int{2, 2, 4, 4, 4}, false},
	VGG19BN: {"VGG-19 with batch normalisation", [5]int{2, 2, 4, 4, 4}, true},
}

// step is a part of the network before the dense layers: a pooling, or a convolution and its normalisation.
type step struct {
	pool       string
	conv, norm string // norm is empty where there is none
	in, out    int
}

// steps gives the parts torchvision's names, which count the ReLU after each convolution as well.
func (p plan) steps() []step {
	var list []step
	in, n := 3, 0
	name := func() string {
		n++
		return fmt.Sprintf("features.%d", n-1)
	}
	for block, convs := range p.convs {
		for range convs {
			s := step{conv: name(), in: in, out: widths[block]}
			if p.normed {
				s.norm = name()
			}
			name() // the ReLU
			list = append(list, s)
			in = s.out
		}
		list = append(list, step{pool: name()})
	}
	return list
}

// layers are those with weights.
func (p plan) layers() []torch.Layer {
	var list []torch.Layer
	for _, s := range p.steps() {
		if s.conv != "" {
			list = append(list, torch.Conv(s.conv, 3, s.in, s.out, true))
		}
		if s.norm != "" {
			list = append(list, torch.Norm(s.norm, s.out))
		}
	}
	return append(list,
		torch.Dense("classifier.0", "pre_logits.fc1", 7, 512, 4096),
		torch.Dense("classifier.3", "pre_logits.fc2", 1, 4096, 4096),
		torch.Dense("classifier.6", "head.fc", 1, 4096, torch.Classes))
}

// Open reads the weights of a variant from a safetensors file with torchvision's or timm's names of the tensors. The
// file says how many classes there are; 1000 are taken for those of ImageNet. The input is 224×224 pixels in RGB, as
// torchvision prepares them.
func Open(v Variant, path string) (*models.Network, error) {
	p, found := plans[v]
	if !found {
		return nil, fmt.Errorf("vgg: unknown variant %q; there are %q", v, Variants())
	}
	return torch.Open(path, p.name, p.layers(), v.Logits)
}

// Logits is the network in inference mode, from pictures shaped [batch, 224, 224, 3] to [batch, classes]. The variables
// lie under scope, each layer's under torchvision's name for it: "weights" and "biases" in features/0 and classifier/0,
// a normalisation's "scale", "offset", "mean" and "variance" in features/1.
//
// Where torchvision takes other sizes, it averages the last map to 7×7 places; of 224×224 pixels it has 7×7.
func (v Variant) Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	x := pictures
	for _, s := range plans[v].steps() {
		if s.pool != "" {
			x = torch.MaxPool2d(scope, s.pool, x, 2, 2, 0)
			continue
		}
		x = torch.Conv2d(scope, s.conv, x, 1, 1)
		if s.norm != "" {
			x = torch.BatchNorm2d(scope, s.norm, x)
		}
		x = torch.ReLU(x)
	}
	x = torch.ReLU(torch.Linear(scope, "classifier.0", x))
	x = torch.ReLU(torch.Linear(scope, "classifier.3", x))
	return torch.Linear(scope, "classifier.6", x)
}
