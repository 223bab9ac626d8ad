package probe

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/pixel"
)

// Answer is what the network says to a picture.
type Answer struct {
	// Network and Backend that answered.
	Network, Backend string
	// Guessed says what about the network's input was assumed, and Notice what must be seen beside its results; each is
	// empty where there is nothing to say.
	Guessed, Notice string
	Picture         *pixel.Prepared
	// Logits has one value a class, Probabilities the softmax over them (the sigmoid where there is one class), 0 to 1.
	Logits        []float32
	Probabilities []float64
	labels        func(int) string
}

// Class is one class of an Answer: its place among the logits, its label (its index where the network has no labels),
// its probability from 0 to 1, and its logit.
type Class struct {
	Index       int     `json:"index"`
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
	Logit       float32 `json:"logit"`
}

// Classify asks the network about a picture that was prepared for its input. A picture of another size, and numbers that
// are not finite in the picture or the answer, are errors.
func (p *Probe) Classify(ctx context.Context, picture *pixel.Prepared) (*Answer, error) {
	if err := p.CheckPicture(picture); err != nil {
		return nil, err
	}
	program, err := p.Program("classify", 1, []shapes.Shape{p.picturesShape(1)}, func(network Forward, in []*graph.Node) []*graph.Node {
		return []*graph.Node{network(in[0])}
	})
	if err != nil {
		return nil, err
	}
	out, err := program.Run(ctx, tensors.FromFlatDataAndDimensions(picture.Values, p.picturesShape(1).Dimensions...))
	if err == nil {
		err = ctx.Err() // a run under way can't be stopped, but nobody waits for what it found
	}
	if err != nil {
		return nil, err
	}
	return p.Answer(picture, out[0]), nil
}

// Answer is what Classify makes of the logits that the network gives for a picture, one a class.
func (p *Probe) Answer(picture *pixel.Prepared, logits []float32) *Answer {
	return &Answer{Network: p.network.Name, Guessed: p.network.Guessed, Notice: p.network.Notice, Backend: p.BackendName(), Picture: picture, Logits: logits, Probabilities: Probabilities(logits), labels: p.network.Label}
}

// Top lists the n best classes, best first, of equals the lowest index first; all with n = 0.
func (a *Answer) Top(n int) []Class {
	all := make([]Class, len(a.Logits))
	for i, logit := range a.Logits {
		all[i] = Class{i, a.labels(i), a.Probabilities[i], logit}
	}
	slices.SortStableFunc(all, func(x, y Class) int { return cmp.Compare(y.Logit, x.Logit) })
	if n > 0 && n < len(all) {
		all = all[:n]
	}
	return all
}

// Probabilities is the softmax of logits, or the sigmoid of a single one, in float64: values from 0 to 1. Logits of any
// size are fine; there must be at least one.
func Probabilities(logits []float32) []float64 {
	if len(logits) == 1 {
		return []float64{1 / (1 + math.Exp(-float64(logits[0])))}
	}
	top := float64(slices.Max(logits))
	p, sum := make([]float64, len(logits)), 0.0
	for i, l := range logits {
		p[i] = math.Exp(float64(l) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Best is the index of the largest logit, the lowest of equals.
func Best(logits []float32) int {
	best := 0
	for i, l := range logits {
		if l > logits[best] {
			best = i
		}
	}
	return best
}

// Class finds a class of the network by its label, which must match exactly, else by its index.
func (p *Probe) Class(name string) (int, error) { return p.network.Class(name, p.Classes()) }
