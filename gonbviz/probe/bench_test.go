package probe_test

import (
	"testing"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/squeezenet"
)

// BenchmarkOpen reads SqueezeNet's function and finds its layers.
func BenchmarkOpen(b *testing.B) {
	net, backend := squeezenet.Network(), testbackend.Go()
	for b.Loop() {
		if _, err := probe.Open(backend, net); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClassify asks SqueezeNet for one answer, once its program is compiled.
func BenchmarkClassify(b *testing.B) {
	net := squeezenet.Network()
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
}

// BenchmarkMaps captures all layers of SqueezeNet in one pass, once its program is compiled.
func BenchmarkMaps(b *testing.B) {
	net := squeezenet.Network()
	p, picture := open(b, testbackend.XLA(b), net), testnet.Photograph(b, net, "squirrel")
	var all probe.Maps
	for _, l := range p.Layers() {
		all.Layers = append(all.Layers, l.Name)
	}
	maps(b, p, picture, all)
	for b.Loop() {
		maps(b, p, picture, all)
	}
}
