package attrib_test

import (
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

// BenchmarkOcclusion is the default heatmap of SqueezeNet, once its programs are compiled, by the way to compute it.
func BenchmarkOcclusion(b *testing.B) {
	net, picture := photographed(b)
	p := open(b, testbackend.XLA(b), net)
	for _, exact := range []attrib.Exact{attrib.Full, attrib.Incremental} {
		b.Run(string(exact), func(b *testing.B) {
			o := attrib.Occlusion{Exact: exact}
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
