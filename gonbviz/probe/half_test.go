package probe_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// half gives a variable whole numbers from −2 to 2, stored in half precision, which holds them exactly.
func half(store *model.Store, path string, dtype dtypes.DType, dims ...int) {
	size := 1
	for _, d := range dims {
		size *= d
	}
	var value *tensors.Tensor
	switch dtype {
	case dtypes.Float16:
		values := make([]float16.Float16, size)
		for i := range values {
			values[i] = float16.FromFloat32(float32(i*i%5 - 2))
		}
		value = tensors.FromFlatDataAndDimensions(values, dims...)
	case dtypes.BFloat16:
		values := make([]bfloat16.BFloat16, size)
		for i := range values {
			values[i] = bfloat16.FromFloat32(float32(i*i%5 - 2))
		}
		value = tensors.FromFlatDataAndDimensions(values, dims...)
	}
	if _, err := store.CreateVariable(path, value); err != nil {
		panic(err)
	}
}

// halved computes in half precision as a whole, or stores its weights so and converts them up front.
func halved(dtype dtypes.DType, whole bool) *models.Network {
	store := model.NewStore()
	half(store, "/conv/weights", dtype, 3, 3, 3, 4)
	half(store, "/conv/biases", dtype, 4)
	half(store, "/deep/weights", dtype, 1, 1, 4, 4)
	for _, name := range []string{"scale", "offset", "mean"} {
		half(store, "/deep/norm/"+name, dtype, 4)
	}
	half(store, "/head/weights", dtype, 4, 3)
	return &models.Network{
		Name: "half", Store: store, Input: testnet.Input(7, 8, models.RGB),
		Logits: func(scope *model.Scope, x *Node) *Node {
			get := func(path string) *Node {
				v := scope.Store().GetVariable(path).NodeValue(x)
				if !whole {
					v = ConvertDType(v, dtypes.Float32)
				}
				return v
			}
			if whole {
				x = ConvertDType(x, dtype)
			}
			x = Convolve(x, get("/conv/weights")).PadSame().Done()
			x = activation.Relu(Add(x, channels(get("/conv/biases"), x)))
			x = MaxPool(x).Window(2).Done()
			x = Convolve(x, get("/deep/weights")).Done()
			x = Add(Mul(Sub(x, channels(get("/deep/norm/mean"), x)), channels(get("/deep/norm/scale"), x)), channels(get("/deep/norm/offset"), x))
			x = activation.LeakyReluWith(x, 0.25)
			return Dot(ReduceMean(x, 1, 2), get("/head/weights")).Product()
		},
	}
}

func TestHalf(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, dtype := range []dtypes.DType{dtypes.Float16, dtypes.BFloat16} {
			for _, whole := range []bool{true, false} {
				t.Run(fmt.Sprint(dtype, whole), func(t *testing.T) { checkHalf(t, backend, dtype, whole) })
			}
		}
	})
}

func checkHalf(t *testing.T, backend compute.Backend, dtype dtypes.DType, whole bool) {
	net := halved(dtype, whole)
	checkTable(t, net, `
conv conv [7 8 4] 112 [3 3] [1 1]
conv/relu activation [7 8 4] 0 [3 3] [1 1]
pool1 pool [3 4 4] 0 [4 4] [2 2]
deep conv [3 4 4] 16 [4 4] [2 2]
deep/norm norm [3 4 4] 12 [4 4] [2 2]
deep/norm/leaky_relu activation [3 4 4] 0 [4 4] [2 2]
global_pool pool [4] 0 [7 8] [0 0]
head dense [3] 12 [7 8] [0 0]
`)
	net = halved(dtype, whole)
	p := open(t, backend, net)
	picture := raw(net, tensors.MustCopyFlatData[float32](pictures(net, 1))...)
	answer, err := p.Classify(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	own := halved(dtype, whole)
	logits := own.Logits
	own.Logits = func(scope *model.Scope, x *Node) *Node { return ConvertDType(logits(scope, x), dtypes.Float32) }
	for i, want := range direct(t, backend, own, pictures(own, 1)) {
		if math.Abs(float64(answer.Logits[i]-want)) > 1e-2*math.Abs(float64(want)) {
			t.Errorf("logit %d is %v, the network's own %v", i, answer.Logits[i], want)
		}
	}
	layers := probe.Maps{Layers: []string{"conv", "pool1", "deep/norm"}}
	got, want := maps(t, p, picture, layers), maps(t, open(t, backend, halved(dtype, false)), picture, layers)
	for i, l := range want.Layers {
		for c, plane := range l.Planes {
			low, high, _ := plane.Range()
			for k, v := range plane.Values {
				if math.Abs(float64(got.Layers[i].Planes[c].Values[k]-v)) > 1e-2*float64(max(high, -low)) {
					t.Errorf("%s, channel %d, value %d is %v, want about %v", l.Layer.Name, c, k, got.Layers[i].Planes[c].Values[k], v)
				}
			}
		}
	}
	bank, err := p.Filters(probe.Filters{Layer: "conv/relu"})
	if err != nil || bank.Weights[1] != float32(12*12%5-2) {
		t.Errorf("weight %v (%v)", bank, err)
	}
}
