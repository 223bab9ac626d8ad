package attrib_test

import (
	"bytes"
	"fmt"
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

// photographed is SqueezeNet with a photograph for it.
func photographed(t testing.TB) (*models.Network, *pixel.Prepared) {
	t.Helper()
	net := squeezenet.Network()
	return net, photograph(t, net, "squirrel")
}

// BenchmarkOcclusion is the default heatmap of SqueezeNet, once its program is compiled, by batch size.
func BenchmarkOcclusion(b *testing.B) {
	net, picture := photographed(b)
	p := open(b, testbackend.XLA(b), net)
	for _, batch := range []int{8, 16, 32, 64} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			o := attrib.Occlusion{Batch: batch}
			first := attribute(b, p, picture, o)
			for b.Loop() {
				if _, err := o.Attribute(b.Context(), p, picture); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(first.CompileSeconds, "compile-s")
			b.ReportMetric(float64(len(first.Grid.Windows))*float64(b.N)/b.Elapsed().Seconds(), "positions/s")
		})
	}
}
