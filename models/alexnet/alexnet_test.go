package alexnet

import (
	"testing"

	"github.com/convlens/convlens/models/internal/torch/torchtest"
)

// TestNames compares with the tensors of torchvision's own network.
func TestNames(t *testing.T) { torchtest.Names(t, layers, "testdata/alexnet.txt") }

// TestLogits compares with torchvision's forward pass in plain loops.
func TestLogits(t *testing.T) {
	torchtest.Compare(t, layers, 95, 95, Logits, func(w torchtest.Weights, x torchtest.Map) torchtest.Map {
		x = torchtest.MaxPool(torchtest.ReLU(w.Conv("features.0", x, 4, 2)), 3, 2, 0)
		x = torchtest.MaxPool(torchtest.ReLU(w.Conv("features.3", x, 1, 2)), 3, 2, 0)
		x = torchtest.ReLU(w.Conv("features.6", x, 1, 1))
		x = torchtest.ReLU(w.Conv("features.8", x, 1, 1))
		x = torchtest.MaxPool(torchtest.ReLU(w.Conv("features.10", x, 1, 1)), 3, 2, 0)
		x = torchtest.ReLU(w.Dense("classifier.1", x))
		x = torchtest.ReLU(w.Dense("classifier.4", x))
		return w.Dense("classifier.6", x)
	})
}
