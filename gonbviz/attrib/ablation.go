package attrib

import (
	"context"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// Ablation hides one part of the picture after the other, parts that follow what is seen instead of a grid of windows:
//
//	value(part) = score(picture) − score(picture with the part filled)
//
// It is feature ablation as in Captum's FeatureAblation (N. Kokhlikyan and others, Captum: A unified and generic model
// interpretability library for PyTorch, 2020), on superpixels as in LIME (M. T. Ribeiro, S. Singh and C. Guestrin, "Why
// Should I Trust You?", 2016), one at a time.
//
// Its settings are those of Occlusion with Superpixels 50 as a default; Segments and Regions are parts of one's own, and
// those about windows say nothing.
type Ablation Occlusion

// usualSuperpixels is how many parts Ablation makes where nobody says.
const usualSuperpixels = 50

// parts is the occlusion that does it.
func (a Ablation) parts() Occlusion {
	o := Occlusion(a)
	if o.windowed() {
		o.Superpixels = usualSuperpixels
	}
	return o
}

// Attribute runs the network once for each part. It fails as Occlusion's does.
func (a Ablation) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error) {
	return a.parts().explain(ctx, network, picture, "ablation")
}

// Settled fills in the defaults and chooses the batch.
func (a Ablation) Settled(network *probe.Probe) (settled Method, batch int, err error) {
	o, batch, err := a.parts().settled(network)
	return Ablation(o), batch, err
}
