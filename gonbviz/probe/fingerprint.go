package probe

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/record"
)

// Fingerprint is a digest of the network: its name, input and labels, the values that its variables have now, and every
// operation of the function as it is for one picture and for a batch of the given size. Two networks with one
// fingerprint give the same answers on the same backend. Values change under an open network, so it is made anew at
// each call. What only a tensor of the network's file needs (see IsTensor) is no part of it.
//
// It fails where a part of the function can't be seen: a gradient of the network's own, or a constant that was not kept.
func (p *Probe) Fingerprint(batch int) ([sha256.Size]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %+v %q\n", p.network.Name, p.network.Input, p.network.Labels)
	written := map[*model.Variable]bool{}
	for _, size := range []int{1, batch} {
		p.mu.Lock()
		recorded, err := p.trace(size)
		p.mu.Unlock()
		if err == nil {
			err = writeOperations(h, recorded)
		}
		if err == nil {
			err = writeVariables(h, recorded, written)
		}
		if err != nil {
			return [sha256.Size]byte{}, oneLine("probe: fingerprint of "+p.network.Name, err)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// IsTensor reports whether a name is that of a tensor in the network's file, which Maps then reads, whatever layer has
// that name too.
func (p *Probe) IsTensor(name string) bool { return p.recorded.Named[name] != nil }

// writeVariables writes the variables that the network reads, but those already written.
func writeVariables(w io.Writer, recorded *record.Program, written map[*model.Variable]bool) error {
	for _, n := range recorded.Nodes {
		v := recorded.Variable(n)
		if v == nil || written[v] {
			continue
		}
		written[v] = true
		value, err := v.Value()
		if err == nil {
			err = writeTensor(w, v.Path(), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeOperations writes each operation with its inputs and attributes, those of closures after what runs them.
func writeOperations(w io.Writer, recorded *record.Program) error {
	for _, n := range recorded.Nodes {
		if err := writeOperation(w, recorded, n); err != nil {
			return err
		}
		for _, closure := range recorded.Closures(n) {
			for _, inner := range closure.Nodes {
				if err := writeOperation(w, recorded, inner); err != nil {
					return err
				}
			}
			for _, output := range closure.Outputs {
				fmt.Fprintln(w, output.Id())
			}
		}
	}
	_, err := fmt.Fprintln(w, recorded.Picture.Id(), recorded.Logits.Id())
	return err
}

// writeOperation writes one operation. GoMLX writes a node with all that it holds; only what it writes of a parameter,
// of a constant, or of control flow, says too little.
func writeOperation(w io.Writer, recorded *record.Program, n *graph.Node) error {
	if n.CustomGradient() != nil {
		return fmt.Errorf("%s has a gradient of its own", n)
	}
	if n.Type() == graph.NodeTypeConstant {
		return writeTensor(w, fmt.Sprint("constant ", n.Id()), recorded.Constant(n))
	}
	fmt.Fprintf(w, "%s %+v", n, recorded.Attributes(n))
	for _, in := range recorded.Reads(n) {
		fmt.Fprint(w, " ", in.Id())
	}
	_, err := fmt.Fprintln(w)
	return err
}

func writeTensor(w io.Writer, name string, t *tensors.Tensor) error {
	fmt.Fprintf(w, "%q %s\n", name, t.Shape())
	return t.ConstBytes(func(data []byte) { w.Write(data) })
}
