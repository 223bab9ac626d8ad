// Package weights reads the numbers of networks from files: safetensors into a GoMLX store, npy into a plain array.
// What a file says about itself is checked against the data that is really there before memory is taken for it.
package weights

import (
	"errors"
	"fmt"
	"os"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Tensor is a named array of numbers.
type Tensor struct {
	// Name is the tensor's name in the file.
	Name string
	// Shape is the length of each axis; empty for a single number.
	Shape []int
	// Values are all finite, the last axis running fastest.
	Values []float32
}

// OpenFile opens a file to be read, which must be a regular one: opening a pipe would wait until someone writes to it,
// and a device may never end.
func OpenFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: errors.Unwrap(err)}
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder, not a file", path)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return os.Open(path)
}

// Load puts tensors into the store as variables. path gives the variable's path for a tensor's name
// ("conv1.weight" → "/conv1/weights"), or "" to leave the tensor out. A variable that is there already gets the value
// if it has the shape. Two tensors for one variable, another shape and a tensor without values are errors.
func Load(store *model.Store, list []Tensor, path func(name string) string) error {
	from := map[string]string{}
	for _, t := range list {
		p := path(t.Name)
		if p == "" {
			continue
		}
		if first, taken := from[p]; taken {
			return fmt.Errorf("weights: tensors %q and %q are both for variable %s", first, t.Name, p)
		}
		from[p] = t.Name
		if err := set(store, t, p); err != nil {
			return fmt.Errorf("weights: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// set gives one variable its value.
func set(store *model.Store, t Tensor, path string) error {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	if n != len(t.Values) || n == 0 {
		return fmt.Errorf("%d values for shape %v", len(t.Values), t.Shape)
	}
	value := tensors.FromFlatDataAndDimensions(t.Values, t.Shape...)
	v := store.GetVariable(path)
	if v == nil {
		_, err := store.CreateVariable(path, value)
		return err
	}
	if !v.Shape().Equal(value.Shape()) {
		return fmt.Errorf("shape %s, but variable %s has %s", value.Shape(), path, v.Shape())
	}
	return v.SetValue(value)
}
