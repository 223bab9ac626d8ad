package probe_test

import (
	"path/filepath"
	"testing"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/alexnet"
	"github.com/convlens/convlens/models/resnet"
	"github.com/convlens/convlens/models/weights/weightstest"
)

// BenchmarkArchitectures asks networks with random weights for one answer, once their program is compiled.
func BenchmarkArchitectures(b *testing.B) {
	for name, network := range map[string]func(path string) (*models.Network, error){
		"alexnet":  alexnet.Open,
		"resnet18": func(path string) (*models.Network, error) { return resnet.Open(resnet.ResNet18, path) },
		"resnet50": func(path string) (*models.Network, error) { return resnet.Open(resnet.ResNet50, path) },
	} {
		b.Run(name, func(b *testing.B) {
			folder := "resnet"
			if name == "alexnet" {
				folder = name
			}
			list := weightstest.Listing(b, filepath.Join("../../models", folder, "testdata", name+".txt"))
			weightstest.Fill(list)
			path := filepath.Join(b.TempDir(), name+".safetensors")
			weightstest.Write(b, path, list)
			net, err := network(path)
			if err != nil {
				b.Fatal(err)
			}
			p, picture := open(b, testbackend.XLA(b), net), testnet.Photograph(b, net, "squirrel")
			ask := func() {
				if _, err := p.Classify(b.Context(), picture); err != nil {
					b.Fatal(err)
				}
			}
			ask()
			for b.Loop() {
				ask()
			}
		})
	}
}
