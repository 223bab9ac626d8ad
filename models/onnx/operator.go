package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/convlens/convlens/models/onnx/internal/pb"
)

// operator is what this package knows of one of ONNX's operators.
type operator struct {
	// build adds the operation to a graph. It panics with an error where it can't.
	build func(c *call) *value
	// fold computes the operation where all its inputs are known; nil where that is not needed.
	fold func(c *call) *array
	// split is build for an operation with several outputs.
	split func(c *call) []*value
	// attributes lists the names of those that are understood, separated by blanks.
	attributes string
}

// operators are all that can be read, by name.
var operators = map[string]operator{}

// register adds operators; each file of operators does so for its own.
func register(list map[string]operator) bool {
	maps.Copy(operators, list)
	return true
}

// supported lists the names of the operators.
func supported() string { return strings.Join(slices.Sorted(maps.Keys(operators)), ", ") }

// unsupported is the error about an operator that can't be read.
type unsupported struct {
	node      *node
	function  bool
	attribute string
}

func (e *unsupported) Error() string {
	switch {
	case e.attribute != "":
		return fmt.Sprintf("%s has the attribute %q, which is not supported; %s may have %s", e.node.title(), e.attribute, e.node.op,
			strings.Join(strings.Fields(operators[e.node.op].attributes), ", "))
	case e.function:
		return fmt.Sprintf("operator %s (%s) is a function of the file itself, which is not supported", e.node.op, e.node.title())
	}
	return fmt.Sprintf("operator %s (%s) is not supported; supported are %s", e.node.op, e.node.title(), supported())
}

// checkOperators refuses what is not supported, before anything is read or built.
func (f *file) checkOperators(functions []*pb.FunctionProto) error {
	own := map[string]bool{}
	for _, p := range functions {
		own[p.GetDomain()+"."+p.GetName()] = true
	}
	for _, n := range f.nodes {
		if err := n.check(); err != nil && n.needed {
			err.function = own[n.op] || own["."+n.op] || own["ai.onnx."+n.op]
			return err
		}
	}
	return nil
}

// check says what is not supported about a node; nil where all is.
func (n *node) check() *unsupported {
	o, known := operators[n.op]
	if !known {
		return &unsupported{node: n}
	}
	for _, name := range slices.Sorted(maps.Keys(n.attributes)) {
		if !slices.Contains(strings.Fields(o.attributes), name) {
			return &unsupported{node: n, attribute: name}
		}
	}
	return nil
}
