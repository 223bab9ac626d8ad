// Package weightstest makes up files of weights for tests.
package weightstest

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/convlens/convlens/models/weights"
)

// Listing reads the names and shapes of tensors, without values, from a text file with a line a tensor: its name and the
// lengths of its axes, with spaces between.
func Listing(t testing.TB, path string) []weights.Tensor {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []weights.Tensor
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		tensor := weights.Tensor{Name: words[0], Shape: []int{}}
		for _, word := range words[1:] {
			length, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			tensor.Shape = append(tensor.Shape, length)
		}
		list = append(list, tensor)
	}
	return list
}

// Fill gives tensors with PyTorch's names and shapes random values under which signals neither die nor explode on their
// way through a network. A tensor's values depend on its name and shape alone.
func Fill(list []weights.Tensor) {
	for i := range list {
		t := &list[i]
		name := fnv.New64()
		name.Write([]byte(t.Name))
		random := rand.New(rand.NewPCG(name.Sum64(), 1))
		size := 1
		for _, d := range t.Shape {
			size *= d
		}
		low, high := -0.2, 0.2
		switch {
		case len(t.Shape) > 1: // as He et al. (2015) advise
			high = math.Sqrt(6 * float64(t.Shape[0]) / float64(size))
			low = -high
		case strings.HasSuffix(t.Name, ".running_var"):
			low, high = 0.01, 1.5
		case strings.HasSuffix(t.Name, ".weight"):
			low, high = 0.3, 0.8
		}
		t.Values = make([]float32, size)
		for k := range t.Values {
			t.Values[k] = float32(low + (high-low)*random.Float64())
		}
	}
}

// Write writes tensors as a safetensors file in float32.
func Write(t testing.TB, path string, list []weights.Tensor) {
	t.Helper()
	type entry struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	var data []byte
	for _, tensor := range list {
		begin := len(data)
		for _, v := range tensor.Values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		header[tensor.Name] = entry{"F32", append([]int{}, tensor.Shape...), [2]int{begin, len(data)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	if err := os.WriteFile(path, append(append(file, text...), data...), 0o644); err != nil {
		t.Fatal(err)
	}
}
