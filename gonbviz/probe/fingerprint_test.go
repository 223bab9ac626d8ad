package probe_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

func fingerprint(t testing.TB, p *probe.Probe, batch int) [32]byte {
	t.Helper()
	print, err := p.Fingerprint(batch)
	if err != nil {
		t.Fatal(err)
	}
	return print
}

// set gives a variable other values.
func set(t testing.TB, v *model.Variable, values []float32) {
	t.Helper()
	if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
		t.Fatal(err)
	}
}

// variant is a network of a convolution and a pooling that can differ in one thing each.
type variant struct {
	stride, dilation, window, axis int
	constant                       float64
	swap                           bool
	alias                          string
}

func (v variant) network() *models.Network {
	weights := testnet.Weights{"/a/weights": {2, 2, 3, 2}, "/b/weights": {2, 2, 3, 2}}
	return testnet.Make("variant", testnet.Input(9, 11, models.RGB), weights, func(get func(string) *Node, x *Node) *Node {
		a, b := get("/a/weights"), get("/b/weights")
		if v.swap {
			a, b = b, a
		}
		convolve := func(w *Node) *Node {
			return Convolve(x, w).Strides(1 + v.stride).Dilations(1 + v.dilation).NoPadding().Done()
		}
		x = Sub(MulScalar(convolve(a), v.constant+1), convolve(b)).WithAlias("difference" + v.alias)
		x = Reverse(x, 1+v.axis) // an operation whose attributes the recording does not note itself
		x = MaxPool(x).Window(1 + v.window).Strides(1).Done()
		return ReduceMean(x, 1, 2)
	})
}

// TestFingerprint changes one thing after the other.
func TestFingerprint(t *testing.T) {
	of := func(net *models.Network, batch int) [32]byte {
		t.Helper()
		return fingerprint(t, open(t, testbackend.Go(), net), batch)
	}
	base := of(variant{}.network(), 1)
	if of(variant{}.network(), 1) != base {
		t.Fatal("the same network has another fingerprint")
	}
	named := func(change func(net *models.Network)) *models.Network {
		net := variant{}.network()
		change(net)
		return net
	}
	weight := func(net *models.Network, path string, change func(values []float32)) {
		v := net.Store.GetVariable(path)
		values := tensors.MustCopyFlatData[float32](v.MustValue())
		change(values)
		set(t, v, values)
	}
	seen := map[[32]byte]string{base: "nothing", of(variant{}.network(), 4): "batch"}
	if len(seen) != 2 {
		t.Error("the batch changes nothing")
	}
	for what, net := range map[string]*models.Network{
		"stride": variant{stride: 1}.network(), "dilation": variant{dilation: 1}.network(), "window": variant{window: 1}.network(),
		"axis": variant{axis: 1}.network(), "swapped": variant{swap: true}.network(), "alias": variant{alias: "s"}.network(),
		"constant": variant{constant: 1}.network(), "constant's last bit": variant{constant: 0x1p-23}.network(),
		"last weight's last bit": named(func(net *models.Network) {
			weight(net, "/b/weights", func(v []float32) { v[len(v)-1] = math.Nextafter32(v[len(v)-1], 9) })
		}),
		"sign of a zero": named(func(net *models.Network) { weight(net, "/a/weights", func(v []float32) { v[0] = 0 }) }),
		"minus zero": named(func(net *models.Network) {
			weight(net, "/a/weights", func(v []float32) { v[0] = float32(math.Copysign(0, -1)) })
		}),
		"two weights": named(func(net *models.Network) {
			weight(net, "/a/weights", func(v []float32) { v[0], v[1] = v[1]+1, v[0]+1 })
		}),
		"name":   named(func(net *models.Network) { net.Name = "other" }),
		"labels": named(func(net *models.Network) { net.Labels = []string{"a", "b"} }),
		"mean":   named(func(net *models.Network) { net.Input.Mean = []float32{1, 2, 3} }),
		"order":  named(func(net *models.Network) { net.Input.Order = models.BGR }),
		"white":  named(func(net *models.Network) { net.Input.High = math.Nextafter32(255, 0) }),
	} {
		print := of(net, 1)
		if other, found := seen[print]; found {
			t.Errorf("%s has the fingerprint of %s", what, other)
		}
		seen[print] = what
	}
}

// TestFingerprintOfValuesNow sets a weight of a network that is open, and has run.
func TestFingerprintOfValuesNow(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Exact()
		p := open(t, backend, net)
		before := fingerprint(t, p, 1)
		if _, err := p.Classify(t.Context(), raw(net, testnet.Counting(16)...)); err != nil {
			t.Fatal(err)
		}
		if fingerprint(t, p, 1) != before {
			t.Error("running changes the fingerprint")
		}
		bias := net.Store.GetVariable("/conv/biases")
		set(t, bias, []float32{-50, -76})
		if fingerprint(t, p, 1) == before {
			t.Error("another bias changes nothing")
		}
		set(t, bias, []float32{-50, -75})
		if fingerprint(t, p, 1) != before {
			t.Error("the old bias does not bring back the fingerprint")
		}
	})
}

// TestNoFingerprint has networks of which not all can be seen.
func TestNoFingerprint(t *testing.T) {
	net := testnet.Exact()
	inner := net.Logits
	net.Logits = func(scope *model.Scope, x *Node) *Node {
		return inner(scope, IdentityWithCustomGradient(x, func(_, v *Node) *Node { return v }))
	}
	if _, err := open(t, testbackend.Go(), net).Fingerprint(1); err == nil || !strings.Contains(err.Error(), "gradient of its own") {
		t.Errorf("a gradient of its own: %v", err)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	p := open(b, testbackend.Go(), squeezenet.Network())
	fingerprint(b, p, 8) // traces the batch
	for b.Loop() {
		fingerprint(b, p, 8)
	}
}
