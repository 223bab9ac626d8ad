package attrib

import "github.com/convlens/convlens/gonbviz/probe"

// Reproducible is a Method of this package whose result may be kept and shown again instead of computing it again: it
// depends on nothing but the network and its backend, the Values of the picture, and the method's own settings once
// they are settled.
type Reproducible interface {
	Method
	// Settled is the method with all filled in that it would choose by the network, or by the machine as it is now, and
	// the number of pictures that it runs at once. It makes what the method makes, and the same each time.
	Settled(network *probe.Probe) (settled Method, batch int, err error)
}

// Settled fills in the defaults and chooses the batch.
func (o Occlusion) Settled(network *probe.Probe) (settled Method, batch int, err error) {
	o, batch, err = o.settled(network)
	return o, batch, err
}

func (o Occlusion) settled(network *probe.Probe) (Occlusion, int, error) {
	in := network.Network().Input
	o, err := o.complete(in.Height, in.Width)
	if err != nil {
		return o, 0, err
	}
	o.Batch = chooseBatch(network, o.Batch, o.Exact)
	return o, o.Batch, nil
}
