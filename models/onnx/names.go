package onnx

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// namer gives variables paths that a person can read: "/layer1/0/conv1/weights" for a weight "layer1.0.conv1.weight".
type namer struct {
	file   *file
	root   string          // what stands before every layer's name
	biases map[*node]*node // the additions of a bias, by the products behind which they stand
	layer  map[*node]*node // the products, by these additions
	scopes map[*node]string
	taken  map[string]int // how often a scope or path has been asked for
}

func newNamer(f *file) *namer {
	n := &namer{file: f, biases: map[*node]*node{}, layer: map[*node]*node{}, scopes: map[*node]string{}, taken: map[string]int{}}
	n.pair()
	n.root = n.common()
	return n
}

// pair finds the layers that a file writes as two nodes: a product, and a bias that is added to it.
func (n *namer) pair() {
	maker, users := n.file.makers(), map[string]int{}
	for _, of := range n.file.nodes {
		for _, in := range of.inputs {
			users[in]++
		}
	}
	for _, add := range n.file.nodes {
		if add.op != "Add" || len(add.inputs) != 2 {
			continue
		}
		for i, in := range add.inputs {
			product, bias := maker[in], n.file.weights[add.inputs[1-i]]
			if product != nil && bias != nil && bias.size() > 1 && users[in] == 1 && (product.op == "MatMul" || product.op == "Conv") {
				n.biases[product], n.layer[add] = add, product
			}
		}
	}
}

// common is the model's own name, as TensorFlow puts it before every layer's: nothing is told apart by it.
func (n *namer) common() string {
	root, layers := "", 0
	for _, of := range n.file.nodes {
		layer := slices.ContainsFunc(of.inputs, func(in string) bool {
			a := n.file.weights[in]
			return a != nil && a.kind == float && a.size() > 1
		})
		name := n.written(of)
		if !layer || name == "" {
			continue
		}
		first, _, below := strings.Cut(name, "/")
		if !below || layers > 0 && first != root {
			return ""
		}
		root, layers = first, layers+1
	}
	if layers < 2 {
		return ""
	}
	return root + "/"
}

// variable is a new path for a variable of a node.
func (n *namer) variable(of *node, role string) string {
	if n.layer[of] != nil {
		role = "biases"
	}
	return n.free("/" + n.scope(of) + "/" + role)
}

// free is a name with a number behind it where it is taken.
func (n *namer) free(name string) string {
	for {
		n.taken[name]++
		if n.taken[name] == 1 {
			return name
		}
		name = fmt.Sprintf("%s_%d", name, n.taken[name])
	}
}

// scope is the layer's name: from its weights, else its own, else that of what it makes.
func (n *namer) scope(of *node) string {
	if s, found := n.scopes[of]; found {
		return s
	}
	if product := n.layer[of]; product != nil {
		return n.scope(product)
	}
	name := clean(strings.TrimPrefix(n.written(of), n.root))
	if name == "" {
		name = clean(strings.TrimSuffix(of.outputs[0], "_output_0"))
	}
	if name == "" {
		name = strings.ToLower(of.op)
	}
	n.scopes[of] = n.free(name)
	return n.scopes[of]
}

// written is the layer's name as the file has it: in its weights, else in the node, else in its bias; "" where none of
// them says one.
func (n *namer) written(of *node) string {
	name := n.fromWeights(of)
	if name == "" {
		name = fromNode(of)
	}
	if add := n.biases[of]; name == "" && add != nil {
		name = n.fromWeights(add)
	}
	return name
}

// An exporter that has no name for a weight makes one up.
var anonymous = regexp.MustCompile(`^(onnx::.*|val_\d+|_v_\d+|\d+|const.*|initializer.*|.*\.onnx_initializer.*)$`)

// weightEnding is what stands behind a layer's name in that of its weights.
var weightEnding = regexp.MustCompile(`(?i)([./_]?(weight|kernel|gamma|scale|alpha|slope|w|bias|beta|b)(_?\d+)?|` +
	`/(ReadVariableOp|merged_input)(:\d+)?)$`)

// fromWeights is the layer's name in that of its first weights that say one.
func (n *namer) fromWeights(of *node) string {
	for _, in := range of.inputs {
		if n.file.weights[in] == nil || anonymous.MatchString(in) || !weightEnding.MatchString(in) {
			continue
		}
		name := in
		if !strings.HasSuffix(in, "layer_scale") { // ConvNeXt's, which is a layer
			name = withoutOp(weightEnding.ReplaceAllString(in, ""))
		}
		if clean(name) != "" {
			return name
		}
	}
	return ""
}

// opEnding is what exporters put behind a layer's name in a node's.
var opEnding = regexp.MustCompile(`(^|/)(Conv|Gemm|MatMul|BatchNormalization|Conv2D|BiasAdd|Add|Mul|Cast|convolution|depthwise|` +
	`FusedBatchNormV3|batchnorm/[a-z]+|InstanceNormalization|LayerNormalization|PRelu)(_\d+)?(:\d+)?$`)

func withoutOp(name string) string { return opEnding.ReplaceAllString(name, "") }

// fromNode is the layer's name in the node's own; "" where that is just the operator and a number.
func fromNode(of *node) string {
	name := withoutOp(of.name)
	if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "node_")), strings.ToLower(of.op)) {
		return ""
	}
	return name
}

// unsafe is what has no place in a path.
var unsafe = regexp.MustCompile(`[^\pL\pN_/-]+`)

// clean makes a name a relative path: dots part scopes as slashes do, and PyTorch's "layer1/layer1.0" is "layer1/0".
func clean(name string) string {
	var parts []string
	last := ""
	for _, part := range strings.Split(name, "/") {
		if rest, found := strings.CutPrefix(part, last+"."); found && last != "" {
			last, part = part, rest
		} else {
			last = part
		}
		for _, p := range strings.Split(part, ".") {
			if p = strings.Trim(unsafe.ReplaceAllString(p, "_"), "_"); p != "" {
				parts = append(parts, p)
			}
		}
	}
	return strings.Join(parts, "/")
}
