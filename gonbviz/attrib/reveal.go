package attrib

import (
	"context"
	"image"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// Reveal is Occlusion turned round: at each position only the window shows, and the fill hides all else. The value of a
// position is the score of what is left less the score where nothing shows, which is one more question to the network,
// so that a positive value means that the window by itself speaks for the class:
//
//	value(window) = score(fill outside the window) − score(fill everywhere)
//
// Where parts of a picture can stand in for each other Occlusion finds none of them, and Reveal each. (Keeping a part
// instead of deleting it is the preservation game of R. C. Fong and A. Vedaldi, Interpretable Explanations of Black Boxes
// by Meaningful Perturbation, 2017, section 4.)
//
// Its settings are those of Occlusion; Fill can't be Inpaint. Every question changes the whole picture, so that it takes
// as long as Occlusion that is computed in Full.
type Reveal Occlusion

// revealing is Reveal's name.
const revealing = "reveal"

// Attribute runs the network at every position, and once on the fill alone. Grid.Drop holds the values. It fails as
// Occlusion's does.
func (r Reveal) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error) {
	return Occlusion(r).explain(ctx, network, picture, revealing)
}

// Settled fills in the defaults and chooses the batch.
func (r Reveal) Settled(network *probe.Probe) (settled Method, batch int, err error) {
	o, batch, err := Occlusion(r).settled(network)
	return Reveal(o), batch, err
}

// withNothing adds a position that hides nothing.
func withNothing(m masks) masks {
	nothing := image.Rectangle{}
	switch m := m.(type) {
	case softBoxes:
		return softBoxes{append(m.boxes[:len(m.boxes):len(m.boxes)], nothing), m.ramp}
	case segments:
		m.boxes = append(m.boxes[:len(m.boxes):len(m.boxes)], nothing)
		return m
	}
	b := m.(boxes)
	return append(b[:len(b):len(b)], nothing)
}
