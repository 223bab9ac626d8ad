package onnx

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// load makes a program of a checked file for pictures of some size. All variables are made on the way, by building the
// graph once; it is never run.
func load(f *file, fixed int, s sizing) (*program, int, error) {
	p := &program{
		file: f, store: model.NewStore(), picture: s.order, size: [3]int{s.height, s.width, s.channels}, fixed: fixed,
		known: map[string]*array{}, variables: map[source]string{}, names: newNamer(f), importing: true,
	}
	p.cut = p.lastActivation()
	if err := p.foldKnown(); err != nil {
		return nil, 0, err
	}
	classes, err := p.trace(fixed)
	if err != nil {
		return nil, 0, err
	}
	p.importing = false
	if again, err := p.trace(fixed + 1); err != nil {
		return nil, 0, fmt.Errorf("for a batch of %d: %w", fixed+1, err)
	} else if again != classes {
		return nil, 0, fmt.Errorf("%d classes for a batch of %d, %d for one of %d", classes, fixed, again, fixed+1)
	}
	p.release()
	return p, classes, nil
}

// trace builds the network for a batch in a graph that is thrown away and returns the number of its classes.
func (p *program) trace(batch int) (classes int, err error) {
	backend, err := gobackend.New("")
	if err != nil {
		return 0, err
	}
	defer backend.Finalize()
	err = catch(func() {
		g := graph.NewGraph(backend, "onnx")
		picture := graph.Parameter(g, "picture", shapes.Make(float32Type, batch, p.size[0], p.size[1], p.size[2]))
		logits := p.logits
		if p.importing {
			logits = func(scope *model.Scope, pictures *graph.Node) *graph.Node {
				y, _ := p.tensors(scope, pictures) // all have their variables, also those that no class needs
				return y
			}
		}
		classes = logits(p.store.RootScope(), picture).Shape().Dimensions[1]
	})
	if err != nil {
		return 0, fmt.Errorf("%s", oneLine(err))
	}
	return classes, nil
}

// release lets go of numbers that lie in the store now and that no operator looks at.
func (p *program) release() {
	p.weights = nil
	for _, a := range p.known {
		if !a.kept && a.size() > 1 {
			a.floats = nil
		}
	}
}

// logits is the network as a GoMLX function.
func (p *program) logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	y, _, _ := p.build(scope, pictures)
	return y
}

// build builds what the first output needs.
func (p *program) build(scope *model.Scope, pictures *graph.Node) (*graph.Node, *builder, map[string]*value) {
	b := p.builder()
	b.graph, b.scope, b.batch = pictures.Graph(), scope, pictures.Shape().Dimensions[0]
	values := map[string]*value{p.input.name: p.feed(pictures)}
	b.run(values, p.cut, false)
	out := values[p.outputs[0].name]
	if out == nil {
		panic(fmt.Errorf("output %q does not depend on the picture", p.outputs[0].name))
	}
	return b.classes(out), b, values
}

// feed is the file's input made of channels-last pictures.
func (p *program) feed(pictures *graph.Node) *value {
	if len(p.picture) == 3 {
		return plain(graph.Reshape(pictures, pictures.Shape().Dimensions[:3]...))
	}
	return made(pictures, p.picture)
}

// classes brings the output to one row of logits a picture: C×1×1 counts as C classes.
func (b *builder) classes(out *value) *graph.Node {
	if out.node == nil || !out.node.DType().IsFloat() {
		panic(fmt.Errorf("output %q does not depend on the picture, or is no floating-point tensor", b.outputs[0].name))
	}
	dims := out.dims()
	if len(dims) == 0 || dims[0] != b.batch {
		panic(fmt.Errorf("output %q has shape %v for a batch of %d; a classifier gives a row for each picture", b.outputs[0].name, dims, b.batch))
	}
	n := 1
	for _, d := range dims[1:] {
		if n > 1 && d > 1 {
			panic(fmt.Errorf("output %q has shape %v; a classifier gives one number a class", b.outputs[0].name, dims))
		}
		n *= d
	}
	return out.reshape([]int{b.batch, n}).in([]int{0, 1})
}

// tensors is logits that also gives every floating-point tensor that the file computes, by its name and in the file's
// order of axes.
func (p *program) tensors(scope *model.Scope, pictures *graph.Node) (*graph.Node, map[string]*graph.Node) {
	logits, b, values := p.build(scope, pictures)
	behind := p.behindCut()
	maps.DeleteFunc(values, func(name string, _ *value) bool { return behind[name] })
	b.run(values, nil, true)
	named := map[string]*graph.Node{}
	for name, v := range values {
		if name != p.input.name && v.node != nil && v.node.DType().IsFloat() {
			named[name] = v.in(identity(len(v.axes)))
		}
	}
	return logits, named
}

// behindCut are the tensors that depend on the final softmax that was left out.
func (p *program) behindCut() map[string]bool {
	behind := map[string]bool{}
	for _, n := range p.nodes {
		if n == p.cut || slices.ContainsFunc(n.inputs, func(in string) bool { return behind[in] }) {
			for _, out := range n.outputs {
				behind[out] = true
			}
		}
	}
	return behind
}

// handsOn are the operators between which a final softmax may stand and the output.
var handsOn = []string{"Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Dropout"}

// lastActivation is the softmax or sigmoid that the first output comes from; nil where there is none.
func (p *program) lastActivation() *node {
	maker := p.makers()
	n := maker[p.outputs[0].name]
	for n != nil && slices.Contains(handsOn, n.op) && len(n.inputs) > 0 {
		n = maker[n.inputs[0]]
	}
	if n != nil && (n.op == "Softmax" || n.op == "Sigmoid") {
		return n
	}
	return nil
}

// overClasses reports whether a softmax is over all values of each picture, as that of a classifier is.
func (c *call) overClasses() bool {
	if c.node.op == "Sigmoid" {
		return true
	}
	x := c.x(0)
	n := 1
	for _, place := range c.softmaxAxes(x) {
		n *= x.node.Shape().Dimensions[place]
	}
	return n*c.batch == x.node.Shape().Size()
}
