package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// program is a file made ready to be built in a graph as often as it is asked for.
type program struct {
	*file
	store *model.Store
	// picture is the order of the axes of the file's input in a channels-last picture.
	picture []int
	// fixed is the batch that the file is made for; 1 where it leaves it open.
	fixed int
	// cut is the final softmax or sigmoid.
	cut *node
	// size is the pictures' height, width and channels.
	size [3]int
	// known are the tensors that follow from weights alone.
	known map[string]*array
	// variables are the paths of the store's, by what they are made of.
	variables map[source]string
	names     *namer
	// importing is set while the variables are made.
	importing bool
}

// source is what a variable is made of: an array and what has been done to it.
type source struct {
	array *array
	form  form
}

// form is a change that weights undergo once, on their way into the store.
type form string

// builder is the building of a program in one graph.
type builder struct {
	*program
	graph *graph.Graph
	scope *model.Scope
	batch int
	// budget is how many numbers may still be computed or copied while importing.
	budget int
}

// form names; the arguments of permuted forms follow.
const asIs form = ""

// permuted is the form with axis order[i] of the array as its axis i.
func permuted(order []int) form {
	if slices.IsSorted(order) {
		return asIs
	}
	return form(fmt.Sprint(order))
}

// variable is the node of the variable that holds an array in some form, made when the file is imported.
func (c *call) variable(a *array, role string, f form, order ...int) *graph.Node {
	key := source{a, f}
	path, found := c.variables[key]
	if !found {
		if !c.importing {
			c.fail("the weights of %s are not those that were imported", c.node.title())
		}
		path = c.names.variable(c.node, role)
		if f != asIs {
			a = a.transposed(order)
		}
		if c.spend(a.dims); a.size() == 0 {
			c.fail("weights of shape %v", a.dims)
		}
		v, err := c.store.CreateVariable(path, tensors.FromFlatDataAndDimensions(a.floats, a.dims...))
		if err != nil {
			panic(err)
		}
		v.SetTrainable(role != "mean" && role != "variance") // those are counted, not learned
		c.variables[key] = path
	}
	v := c.scope.Store().GetVariable(model.JoinPath(c.scope.Scope(), path))
	if v == nil {
		c.fail("the store has no variable %s", model.JoinPath(c.scope.Scope(), path))
	}
	return v.NodeValue(c.graph)
}

// weights is input i in some order of its axes: a variable where it is known, else a node.
func (c *call) weights(i int, role string, order []int) *graph.Node {
	v := c.arg(i)
	if v.host == nil {
		return v.in(order)
	}
	if v.host.kind != float || v.host.traced {
		return reorder(c.constant(v.host), identity(len(order)), order)
	}
	return c.variable(v.host, role, permuted(order), order...)
}

// foldKnown computes once what follows from weights alone, so that those nodes vanish.
func (p *program) foldKnown() error {
	maps.Copy(p.known, p.weights)
	b := p.builder()
	for _, n := range p.nodes {
		o := operators[n.op]
		if o.fold == nil || !p.allKnown(n) {
			continue
		}
		c := &call{builder: b, node: n, args: p.args(n, nil)}
		var out *array
		if err := catch(func() { out = o.fold(c) }); err != nil {
			if n.needed {
				return fmt.Errorf("%s: %w", n.title(), err)
			}
			continue
		}
		if out != nil {
			p.known[n.outputs[0]] = out
		}
	}
	return nil
}

// builder is a new builder. What it may compute is bounded by what the file really holds: a few bytes of it can ask for
// any number of numbers.
func (p *program) builder() *builder {
	budget := 2 * maxFolded
	for _, a := range p.known {
		budget += 4 * a.size()
	}
	return &builder{program: p, budget: budget}
}

// spend takes a shape from the budget.
func (c *call) spend(dims []int) {
	n, err := volume(dims)
	if c.budget -= n; err != nil || c.budget < 0 {
		c.budget = 0
		c.fail("a result of shape %v is too large to be computed beforehand", dims)
	}
}

func (p *program) allKnown(n *node) bool {
	for _, in := range n.inputs {
		if in != "" && p.known[in] == nil {
			return false
		}
	}
	return true
}

// args are a node's inputs among what is known and what has been built.
func (p *program) args(n *node, values map[string]*value) []*value {
	args := make([]*value, len(n.inputs))
	for i, in := range n.inputs {
		switch {
		case in == "":
		case p.known[in] != nil:
			args[i] = &value{host: p.known[in]}
		default:
			args[i] = values[in]
		}
	}
	return args
}

// run builds the nodes that the first output needs, or all, and adds what they make to values. The node cut hands on
// its input. Of the nodes that are not needed those are left out that can't be built.
func (b *builder) run(values map[string]*value, cut *node, all bool) {
	for _, n := range b.nodes {
		if b.known[n.outputs[0]] != nil || values[n.outputs[0]] != nil || !n.needed && !(all && b.ready(n, values)) {
			continue
		}
		c := &call{builder: b, node: n, args: b.args(n, values)}
		var made []*value
		err := catch(func() {
			if n == cut && c.overClasses() {
				made = []*value{c.x(0)}
			} else {
				made = c.build()
			}
		})
		if err != nil && n.needed {
			panic(fmt.Errorf("%s: %w", n.title(), err))
		}
		for i, v := range made {
			if i < len(n.outputs) && v != nil {
				values[n.outputs[i]] = v
			}
		}
	}
}

// ready reports whether a node is supported and all that it reads is there.
func (b *builder) ready(n *node, values map[string]*value) bool {
	if n.check() != nil {
		return false
	}
	for _, in := range n.inputs {
		if in != "" && b.known[in] == nil && values[in] == nil {
			return false
		}
	}
	return true
}

// build computes or builds the node.
func (c *call) build() []*value {
	o := operators[c.node.op]
	if o.fold != nil && !slices.ContainsFunc(c.args, func(v *value) bool { return v != nil && v.host == nil }) {
		if a := o.fold(c); a != nil {
			a.traced = true
			return []*value{{host: a}}
		}
	}
	var made []*value
	if o.split != nil {
		made = o.split(c)
	} else {
		made = []*value{o.build(c)}
	}
	for i, out := range c.node.outputs {
		if i >= len(made) && c.used[out] {
			c.fail("its output %q is not supported", out)
		}
	}
	for _, v := range made {
		if v.node != nil && v.node.Shape().Size()/max(c.batch, 1) > maxValues {
			c.fail("a result of shape %v, which is too large", v.dims())
		}
	}
	return made
}

// maxValues bounds the size of one tensor for one picture.
const maxValues = 1 << 30

// catch turns what is thrown while a graph is built into an error of one line.
func catch(build func()) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case error:
			err = thrown
		default:
			err = fmt.Errorf("%v", thrown)
		}
	}()
	build()
	return nil
}

// oneLine is an error's text without the line breaks that GoMLX's may have.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
