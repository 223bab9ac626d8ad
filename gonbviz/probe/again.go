package probe

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
)

// Outputs are what a program answered, on the device.
type Outputs struct {
	Tensors []*tensors.Tensor
	program *Program
	digest  uint64 // of all that they were made from
}

// shelf has room for the outputs of one program of a network.
type shelf struct {
	mu   sync.Mutex
	kept *Outputs
}

// swap puts outputs on the shelf and takes what lay there.
func (s *shelf) swap(o *Outputs) *Outputs {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, o = o, s.kept
	return o
}

// Again is Call for what is often asked for twice: it returns the outputs that were last given to Keep, if they are this
// program's, for these inputs, and if the variables that it reads have the values that they had then. Until the caller
// gives them back they are its own.
func (p *Program) Again(ctx context.Context, inputs ...*tensors.Tensor) (*Outputs, error) {
	digest, err := p.digest(inputs)
	if err != nil {
		return nil, oneLine("probe", err)
	}
	kept := p.shelf.swap(nil)
	if kept != nil && kept.program == p && kept.digest == digest {
		return kept, nil
	}
	if kept != nil {
		Free(kept.Tensors)
	}
	made, err := p.Call(ctx, inputs...)
	if err != nil {
		return nil, err
	}
	return &Outputs{made, p, digest}, nil
}

// Keep gives back outputs that Again returned. They are kept for the next that asks, and freed when others come.
func (o *Outputs) Keep() {
	if before := o.program.shelf.swap(o); before != nil && before != o {
		Free(before.Tensors)
	}
}

// Free frees tensors on the device at once. The garbage collector does not see how large they are, so that they would
// pile up there until it comes by.
func Free(list []*tensors.Tensor) {
	for _, t := range list {
		t.MustFinalizeAll()
	}
}

var seed = maphash.MakeSeed()

// digest is one of the values of inputs and of the variables that the program reads. Those may be changed in place,
// so only their values tell; to read the weights of convolutions takes a tenth of the time of a pass, or less.
func (p *Program) digest(inputs []*tensors.Tensor) (uint64, error) {
	var h maphash.Hash
	h.SetSeed(seed)
	add := func(t *tensors.Tensor) error {
		return t.ConstBytes(func(data []byte) { maphash.WriteComparable(&h, maphash.Bytes(seed, data)) })
	}
	for _, in := range inputs {
		if err := add(in); err != nil {
			return 0, err
		}
	}
	for _, v := range p.variables {
		value, err := v.Value()
		if err == nil {
			err = add(value)
		}
		if err != nil {
			return 0, err
		}
	}
	return h.Sum64(), nil
}

// Pass is how long the program takes to run, by its second run: the first takes longer. It is measured once.
func (p *Program) Pass(ctx context.Context, inputs ...*tensors.Tensor) (time.Duration, error) {
	p.measure.Lock()
	defer p.measure.Unlock()
	if p.pass > 0 {
		return p.pass, nil
	}
	var pass time.Duration
	for range 2 {
		start := time.Now()
		outputs, err := p.Call(ctx, inputs...)
		if err == nil {
			err = outputs[len(outputs)-1].ConstBytes(func([]byte) {}) // waits until it is there
		}
		if err != nil {
			return 0, err
		}
		pass = time.Since(start)
		Free(outputs)
	}
	p.pass = pass
	return pass, nil
}
