package onnx

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/convlens/convlens/models/onnx/internal/pb"
	"github.com/convlens/convlens/models/weights"
)

const (
	// maxFile is the largest file that is read: protobuf itself ends at 2 GB, larger models keep their data outside.
	maxFile = 1<<31 - 1
	// maxNodes is far above the largest networks'.
	maxNodes = 50_000
	// The operator sets that can be read.
	firstOpset, lastOpset = 7, 22
)

// file is a model as read and checked: a graph whose every tensor has exactly one origin, in order of execution.
type file struct {
	folder   string   // of external data
	files    []string // that external data lies in
	opset    int64
	metadata map[string]string
	input    declaration
	outputs  []declaration
	nodes    []*node         // those that the first output needs come with needed set
	used     map[string]bool // the tensors that those read
	weights  map[string]*array
}

// declaration is an input or output with its shape; −1 stands for a length that the file leaves open.
type declaration struct {
	name    string
	element int32
	dims    []int64
}

// node is one operation.
type node struct {
	name, op        string
	inputs, outputs []string
	attributes      map[string]*pb.AttributeProto
	needed          bool // by the first output
	index           int
}

// title names a node in errors.
func (n *node) title() string {
	if n.name != "" {
		return fmt.Sprintf("%s node %q", n.op, n.name)
	}
	return fmt.Sprintf("%s node of %q", n.op, n.outputs[0])
}

// readFile reads the model's file.
func readFile(path string) ([]byte, error) {
	f, err := weights.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes; an ONNX file has at most %d", path, info.Size(), maxFile)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// parse reads a model whose external data lies in a folder.
func parse(data []byte, folder string) (*file, error) {
	if err := checkWire(data); err != nil {
		return nil, err
	}
	var m pb.ModelProto
	if err := (proto.UnmarshalOptions{RecursionLimit: 64}).Unmarshal(data, &m); err != nil {
		return nil, errors.New("not an ONNX file, or one that ends early")
	}
	g := m.Graph
	if g == nil || len(g.Node) == 0 {
		return nil, errors.New("not an ONNX file: it has no graph")
	}
	if len(g.Node) > maxNodes {
		return nil, fmt.Errorf("%d nodes; at most %d can be read", len(g.Node), maxNodes)
	}
	f := &file{folder: folder, files: externalFiles(g, folder), metadata: map[string]string{}, weights: map[string]*array{}}
	if err := f.readOpset(&m); err != nil {
		return nil, err
	}
	for _, p := range m.MetadataProps {
		f.metadata[p.GetKey()] = p.GetValue()
	}
	if err := f.readDeclarations(g); err != nil {
		return nil, err
	}
	if err := f.readNodes(g); err != nil {
		return nil, err
	}
	if err := f.sort(); err != nil {
		return nil, err
	}
	f.mark()
	if err := f.checkOperators(m.Functions); err != nil {
		return nil, err
	}
	return f, f.readWeights(g)
}

// readOpset checks the version of the operators.
func (f *file) readOpset(m *pb.ModelProto) error {
	found := false
	for _, set := range m.OpsetImport {
		if !standard(set.GetDomain()) {
			continue // matters only if a node uses it
		}
		if f.opset, found = set.GetVersion(), true; f.opset < firstOpset || f.opset > lastOpset {
			return fmt.Errorf("operator set %d; %d to %d can be read", f.opset, firstOpset, lastOpset)
		}
	}
	if !found {
		return fmt.Errorf("the file names no operator set; %d to %d can be read", firstOpset, lastOpset)
	}
	return nil
}

// standard reports whether operators of a domain are ONNX's own.
func standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

// readDeclarations finds the picture's input and the outputs. In old files weights are among the inputs.
func (f *file) readDeclarations(g *pb.GraphProto) error {
	given := map[string]bool{}
	for _, t := range g.Initializer {
		given[t.GetName()] = true
	}
	var inputs []declaration
	for _, in := range g.Input {
		if !given[in.GetName()] {
			inputs = append(inputs, declare(in))
		}
	}
	if len(inputs) != 1 {
		return fmt.Errorf("%d inputs%s; a classifier of pictures has one", len(inputs), names(inputs))
	}
	f.input = inputs[0]
	for _, out := range g.Output {
		f.outputs = append(f.outputs, declare(out))
	}
	if len(f.outputs) == 0 {
		return errors.New("the graph has no output")
	}
	return nil
}

// names lists the first few inputs: TensorFlow's exporter can leave a weight among them without its numbers.
func names(inputs []declaration) string {
	list := ""
	for i, in := range inputs[:min(len(inputs), 3)] {
		list += fmt.Sprintf("%s%.60q", []string{" (", ", "}[min(i, 1)], in.name)
	}
	if len(inputs) > 3 {
		list += ", …"
	}
	if list != "" {
		list += ")"
	}
	return list
}

func declare(v *pb.ValueInfoProto) declaration {
	d := declaration{name: v.GetName(), element: v.GetType().GetTensorType().GetElemType()}
	for _, axis := range v.GetType().GetTensorType().GetShape().GetDim() {
		if _, known := axis.GetValue().(*pb.TensorShapeProto_Dimension_DimValue); known {
			d.dims = append(d.dims, axis.GetDimValue())
		} else {
			d.dims = append(d.dims, -1)
		}
	}
	return d
}

// readNodes takes over the nodes and checks that no tensor has two origins.
func (f *file) readNodes(g *pb.GraphProto) error {
	origin := map[string]string{f.input.name: "the graph's input"}
	if len(g.SparseInitializer) > 0 {
		return errors.New("sparse weights can't be read")
	}
	for _, t := range g.Initializer {
		name := t.GetName()
		if first, twice := origin[name]; twice {
			return fmt.Errorf("tensor %q is a weight and also %s", name, first)
		}
		origin[name] = "a weight"
	}
	for i, p := range g.Node {
		n := &node{name: p.GetName(), op: p.GetOpType(), inputs: p.Input, outputs: p.Output, index: i}
		if !standard(p.GetDomain()) {
			n.op = p.GetDomain() + "." + n.op
		}
		if len(n.outputs) == 0 || n.outputs[0] == "" {
			return fmt.Errorf("%s node %q has no output", n.op, n.name)
		}
		for _, out := range n.outputs {
			if first, twice := origin[out]; twice && out != "" {
				return fmt.Errorf("tensor %q comes from %s and also from %s", out, n.title(), first)
			}
			origin[out] = n.title()
		}
		n.attributes = map[string]*pb.AttributeProto{}
		for _, a := range p.Attribute {
			if n.attributes[a.GetName()] != nil {
				return fmt.Errorf("%s has the attribute %q twice", n.title(), a.GetName())
			}
			n.attributes[a.GetName()] = a
		}
		f.nodes = append(f.nodes, n)
	}
	for _, n := range f.nodes {
		for _, in := range n.inputs {
			if in != "" && origin[in] == "" {
				return fmt.Errorf("%s reads a tensor %q that nothing makes", n.title(), in)
			}
		}
	}
	for _, out := range f.outputs {
		if origin[out.name] == "" {
			return fmt.Errorf("nothing makes the output %q", out.name)
		}
	}
	return nil
}

// sort puts the nodes in order of execution, close to the file's own.
func (f *file) sort() error {
	maker := f.makers()
	users := map[*node][]*node{}
	waits := map[*node]int{}
	var ready []*node
	for _, n := range f.nodes {
		for _, in := range n.inputs {
			if from := maker[in]; from != nil {
				users[from] = append(users[from], n)
				waits[n]++
			}
		}
		if waits[n] == 0 {
			ready = append(ready, n)
		}
	}
	var sorted []*node
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		sorted = append(sorted, n)
		for _, u := range users[n] {
			if waits[u]--; waits[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	if len(sorted) < len(f.nodes) {
		for _, n := range f.nodes {
			if waits[n] > 0 {
				return fmt.Errorf("the graph runs in a circle through or before %s", n.title())
			}
		}
	}
	position := map[*node]int{}
	for i, n := range sorted {
		position[n] = i
	}
	if !f.inOrder(maker) {
		slices.SortFunc(f.nodes, func(a, b *node) int { return position[a] - position[b] })
	}
	return nil
}

// inOrder reports whether every node stands behind those that it reads.
func (f *file) inOrder(maker map[string]*node) bool {
	for _, n := range f.nodes {
		for _, in := range n.inputs {
			if from := maker[in]; from != nil && from.index >= n.index {
				return false
			}
		}
	}
	return true
}

// makers are the nodes by the tensors that they make.
func (f *file) makers() map[string]*node {
	maker := map[string]*node{}
	for _, n := range f.nodes {
		for _, out := range n.outputs {
			if out != "" {
				maker[out] = n
			}
		}
	}
	return maker
}

// mark finds what the first output needs.
func (f *file) mark() {
	maker := f.makers()
	f.used = map[string]bool{}
	todo := []string{f.outputs[0].name}
	for len(todo) > 0 {
		f.used[todo[0]] = true
		n := maker[todo[0]]
		todo = todo[1:]
		if n != nil && !n.needed {
			n.needed = true
			todo = append(todo, n.inputs...)
		}
	}
}

// readWeights decodes the weights that nodes read; others may be of any kind.
func (f *file) readWeights(g *pb.GraphProto) error {
	used := map[string]bool{}
	for _, n := range f.nodes {
		for _, in := range n.inputs {
			used[in] = true
		}
	}
	for _, t := range g.Initializer {
		if !used[t.GetName()] {
			continue
		}
		a, err := decode(t, f.folder)
		if err != nil {
			return fmt.Errorf("weight %q: %w", t.GetName(), err)
		}
		f.weights[t.GetName()] = a
		t.Reset() // two copies of large weights need not be held at once
	}
	return nil
}
