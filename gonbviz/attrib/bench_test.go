package attrib_test

import (
	"fmt"
	"testing"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// photographed is SqueezeNet with a photograph for it.
func photographed(t testing.TB) (*models.Network, *pixel.Prepared) {
	t.Helper()
	net := squeezenet.Network()
	return net, testnet.Photograph(t, net, "squirrel")
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
