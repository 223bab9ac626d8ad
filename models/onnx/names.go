package onnx

import (
	"fmt"
	"regexp"
	"strings"
)

// namer gives variables paths that a person can read: "/layer1/0/conv1/weights" for a weight "layer1.0.conv1.weight".
type namer struct {
	file   *file
	scopes map[*node]string
	taken  map[string]int // how often a scope or path has been asked for
}

func newNamer(f *file) *namer {
	return &namer{file: f, scopes: map[*node]string{}, taken: map[string]int{}}
}

// variable is a new path for a variable of a node.
func (n *namer) variable(of *node, role string) string {
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
	name := n.fromWeights(of)
	if name == "" {
		name = fromNode(of)
	}
	if name == "" {
		name = clean(of.outputs[0])
	}
	if name == "" {
		name = strings.ToLower(of.op)
	}
	n.scopes[of] = n.free(name)
	return n.scopes[of]
}

// An exporter that has no name for a weight makes one up.
var anonymous = regexp.MustCompile(`^(onnx::.*|val_\d+|_v_\d+|\d+|const.*|initializer.*|.*\.onnx_initializer.*)$`)

// weightEnding is what stands behind a layer's name in that of its weights.
var weightEnding = regexp.MustCompile(`(?i)([./_]?(weight|kernel|gamma|scale|alpha|slope|w|bias|beta|b)(_?\d+)?|/ReadVariableOp(:\d+)?)$`)

// fromWeights is the layer's name in that of its first weights that say one.
func (n *namer) fromWeights(of *node) string {
	for _, in := range of.inputs {
		if n.file.weights[in] == nil || anonymous.MatchString(in) || !weightEnding.MatchString(in) {
			continue
		}
		name := clean(withoutOp(weightEnding.ReplaceAllString(in, "")))
		if name != "" {
			return name
		}
	}
	return ""
}

// opEnding is what exporters put behind a layer's name in a node's.
var opEnding = regexp.MustCompile(`(^|/)(Conv|Gemm|MatMul|BatchNormalization|Conv2D|BiasAdd|Add|Mul|depthwise|FusedBatchNormV3|InstanceNormalization|LayerNormalization|PRelu)(_\d+)?(:\d+)?$`)

func withoutOp(name string) string { return opEnding.ReplaceAllString(name, "") }

// fromNode is the layer's name in the node's own; "" where that is just the operator and a number.
func fromNode(of *node) string {
	name := withoutOp(of.name)
	if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "node_")), strings.ToLower(of.op)) {
		return ""
	}
	return clean(name)
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
