// Package alexnet is AlexNet as torchvision has it: five convolutions and three dense layers (Krizhevsky 2014). Its
// weights come from a file in the layout of torchvision's checkpoints.
package alexnet

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/internal/torch"
)

// layers are those with weights.
var layers = []torch.Layer{
	torch.Conv("features.0", 11, 3, 64, true),
	torch.Conv("features.3", 5, 64, 192, true),
	torch.Conv("features.6", 3, 192, 384, true),
	torch.Conv("features.8", 3, 384, 256, true),
	torch.Conv("features.10", 3, 256, 256, true),
	torch.Dense("classifier.1", "", 6, 256, 4096),
	torch.Dense("classifier.4", "", 1, 4096, 4096),
	torch.Dense("classifier.6", "", 1, 4096, torch.Classes),
}

// Open reads the weights from a safetensors file with torchvision's names of the tensors. The file says how many classes
// there are; 1000 are taken for those of ImageNet. The input is 224×224 pixels in RGB, as torchvision prepares them.
func Open(path string) (*models.Network, error) { return torch.Open(path, "AlexNet", layers, Logits) }

// Logits is the network in inference mode, from pictures shaped [batch, 224, 224, 3] to [batch, classes]. The variables
// lie under scope, each layer's "weights" and "biases" under torchvision's name for it: features/0, classifier/1.
//
// Where torchvision takes other sizes, it averages the last map to 6×6 places; of 224×224 pixels it has 6×6.
func Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	x := torch.ReLU(torch.Conv2d(scope, "features.0", pictures, 4, 2))
	x = torch.MaxPool2d(scope, "features.2", x, 3, 2, 0)
	x = torch.ReLU(torch.Conv2d(scope, "features.3", x, 1, 2))
	x = torch.MaxPool2d(scope, "features.5", x, 3, 2, 0)
	x = torch.ReLU(torch.Conv2d(scope, "features.6", x, 1, 1))
	x = torch.ReLU(torch.Conv2d(scope, "features.8", x, 1, 1))
	x = torch.ReLU(torch.Conv2d(scope, "features.10", x, 1, 1))
	x = torch.MaxPool2d(scope, "features.12", x, 3, 2, 0)
	x = torch.ReLU(torch.Linear(scope, "classifier.1", x))
	x = torch.ReLU(torch.Linear(scope, "classifier.4", x))
	return torch.Linear(scope, "classifier.6", x)
}
