package attrib_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// photograph is an embedded photograph as the network gets it.
func photograph(t testing.TB, net *models.Network, name string) *pixel.Prepared {
	t.Helper()
	file, err := photos.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	photo, err := pixel.Decode(bytes.NewReader(file.Data), name)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := pixel.Prepare(photo, net.Input)
	if err != nil {
		t.Fatal(err)
	}
	return prepared
}

// BenchmarkOcclusion is the default heatmap of SqueezeNet, once its program is compiled.
func BenchmarkOcclusion(b *testing.B) {
	net := squeezenet.Network()
	p, picture := open(b, testbackend.XLA(b), net), photograph(b, net, "squirrel")
	first := attribute(b, p, picture, attrib.Occlusion{})
	b.ReportMetric(first.CompileSeconds, "compile-s")
	b.ReportMetric(float64(first.Batch), "batch")
	for b.Loop() {
		if _, err := (attrib.Occlusion{}).Attribute(context.Background(), p, picture); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(first.Grid.Windows))*float64(b.N)/b.Elapsed().Seconds(), "positions/s")
}
