package main

import (
	"slices"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/alexnet"
	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/resnet"
	"github.com/convlens/convlens/models/vgg"
)

// architecture is a network whose weights come from a file.
type architecture struct {
	name string
	open func(path string) (*models.Network, error)
}

// architectures lists what --weights can be given for.
func architectures() []architecture {
	list := []architecture{{"alexnet", alexnet.Open}}
	for _, v := range vgg.Variants() {
		list = append(list, architecture{string(v), func(path string) (*models.Network, error) { return vgg.Open(v, path) }})
	}
	for _, v := range resnet.Variants() {
		list = append(list, architecture{string(v), func(path string) (*models.Network, error) { return resnet.Open(v, path) }})
	}
	return list
}

func architectureNames() []string {
	var names []string
	for _, a := range architectures() {
		names = append(names, a.name)
	}
	return names
}

// network opens the network that --model and --weights name.
func (a *analysis) network() (*models.Network, error) {
	if i := slices.Index(architectureNames(), a.model); i >= 0 {
		return architectures()[i].open(a.weights)
	}
	if isONNX(a.model) {
		return onnx.Open(a.model)
	}
	return builtIn[slices.Index(modelNames(), a.model)].open(), nil
}
