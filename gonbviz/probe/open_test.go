package probe_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

func TestOpenErrors(t *testing.T) {
	logits := func(f func(scope *model.Scope, x *Node) *Node) *models.Network {
		net := testnet.Exact()
		net.Logits = f
		return net
	}
	labels := testnet.Exact()
	labels.Labels = []string{"one", "two"}
	noStore := testnet.Exact()
	noStore.Store = nil
	empty := testnet.Exact()
	empty.Store = model.NewStore()
	empty.Logits = func(scope *model.Scope, x *Node) *Node {
		w := scope.In("conv").VariableWithShape("weights", shapes.Make(dtypes.Float32, 3, 3, 1, 2)).NodeValue(x)
		return ReduceMean(Convolve(x, w).Done(), 1, 2)
	}
	for want, net := range map[string]*models.Network{
		"no backend or no network":                    nil,
		"has no Store":                                noStore,
		"has 2 labels for 1 classes":                  labels,
		`variable "/conv/weights" has no value; load`: empty,
		"boom":                         logits(func(*model.Scope, *Node) *Node { panic("boom") }),
		"bad weather":                  logits(func(*model.Scope, *Node) *Node { panic(errors.New("bad weather\nat line 3")) }),
		"nil pointer":                  logits(func(*model.Scope, *Node) *Node { var n *models.Network; _ = n.Name; return nil }),
		"answers with nothing":         logits(func(*model.Scope, *Node) *Node { return nil }),
		"must return [batch, classes]": logits(func(_ *model.Scope, x *Node) *Node { return x }),
		"is no variable of its store": logits(func(_ *model.Scope, x *Node) *Node {
			return Add(ReduceMean(x, 1, 2), Parameter(x.Graph(), "other", shapes.Make(dtypes.Float32, 1, 1)))
		}),
		"can't be built for 4×4×1 pictures: ": logits(func(_ *model.Scope, x *Node) *Node { return Reshape(x, 7) }),
	} {
		_, err := probe.Open(testbackend.Go(), net)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestNotFinite finds what NaN among the weights makes of the answer, whatever lies between.
func TestNotFinite(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for name, activate := range map[string]func(x *Node) *Node{
			"nothing": func(x *Node) *Node { return x },
			"ReLU":    activation.Relu,
			"zeros":   func(x *Node) *Node { return Max(Zeros(x.Graph(), x.Shape()), x) },
			"ReLU6":   func(x *Node) *Node { return MinScalar(activation.Relu(x), 6) },
			"clamp": func(x *Node) *Node {
				return Clamp(ScalarZero(x.Graph(), x.DType()), x, Scalar(x.Graph(), x.DType(), 6))
			},
			"pooling": func(x *Node) *Node { return MaxPool(activation.Relu(x)).Window(2).Done() },
		} {
			weights := testnet.Weights{"/w": {1, 1, 3, 64}, "/b": {64}}
			net := testnet.Make("nan", testnet.Input(16, 16, models.RGB), weights, func(get func(string) *Node, x *Node) *Node {
				x = Convolve(x, get("/w")).PadSame().Done()
				return ReduceMean(activate(Add(x, channels(get("/b"), x))), 1, 2)
			})
			w := net.Store.GetVariable("/w")
			set(t, w, slices.Repeat([]float32{float32(math.NaN())}, w.Shape().Size()))
			answer, err := open(t, backend, net).Classify(t.Context(), raw(net, testnet.Counting(768)...))
			if err == nil || !strings.Contains(err.Error(), "nan answers with numbers that are not finite") {
				t.Errorf("%s: answer %v, error %v", name, answer, err)
			}
		}
	})
}

func TestProbabilities(t *testing.T) {
	for _, test := range []struct {
		logits []float32
		want   []float64
		best   int
	}{
		{[]float32{0}, []float64{0.5}, 0},
		{[]float32{-1000}, []float64{0}, 0},
		{[]float32{1, 1, 1, 1}, []float64{0.25, 0.25, 0.25, 0.25}, 0},
		{[]float32{0, 1000, 1000}, []float64{0, 0.5, 0.5}, 1},
		{[]float32{-1e38, -3e38}, []float64{1, 0}, 0},
	} {
		got := probe.Probabilities(test.logits)
		for i := range got {
			if math.Abs(got[i]-test.want[i]) > 1e-15 {
				t.Errorf("%v: probabilities %v, want %v", test.logits, got, test.want)
			}
		}
		if best := probe.Best(test.logits); best != test.best {
			t.Errorf("%v: best is %d, want %d", test.logits, best, test.best)
		}
	}
}

func TestTop(t *testing.T) {
	net := testnet.Branches(15, 17, 4)
	answer, err := open(t, testbackend.Go(), net).Classify(t.Context(), raw(net, make([]float32, 15*17*3)...))
	if err != nil {
		t.Fatal(err)
	}
	all := answer.Top(0)
	if len(all) != 3 || len(answer.Top(2)) != 2 || len(answer.Top(9)) != 3 {
		t.Errorf("%d of 3 classes", len(all))
	}
	for i, c := range all {
		if c.Label != net.Labels[c.Index] || c.Logit != answer.Logits[c.Index] || i > 0 && c.Logit > all[i-1].Logit {
			t.Errorf("classes %v of %v", all, answer.Logits)
		}
	}
}
