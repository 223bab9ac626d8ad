package gonbviz

import (
	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// Backend opens the backend that Open would run a network on, for a program that trains one.
func Backend() (compute.Backend, error) {
	backend, _, err := plugin.Open("")
	return backend, err
}

// OpenWith opens a network on a backend that is open already. A model.Store belongs to the backend that first runs it,
// so this is how to look into a network in the program that trains it. Nothing of it is kept on disk.
func OpenWith(backend compute.Backend, network *models.Network) (*Lens, error) {
	p, err := probe.Open(backend, network)
	if err != nil {
		return nil, err
	}
	return &Lens{Probe: p, Running: "running on " + p.BackendName() + ", opened by the program"}, nil
}
