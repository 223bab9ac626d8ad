package cache_test

import (
	"image"
	"math"
	"testing"

	"github.com/convlens/convlens/gonbviz/internal/cache"
)

// TestDigest has lists of parts that would read alike if one were written after the other.
func TestDigest(t *testing.T) {
	seen := map[cache.Key]int{}
	for i, parts := range [][]string{
		{}, {"", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "b", "", ""}, {"", "", "a", "b"}, {"a", "", "b", ""}, {"b", "a"},
	} {
		d := cache.NewDigest()
		for j := 0; j < len(parts); j += 2 {
			d.AddText(parts[j], parts[j+1])
		}
		if j, found := seen[d.Key()]; found {
			t.Errorf("%d and %d have one digest", j, i)
		}
		seen[d.Key()] = i
	}
	a, b := cache.NewDigest(), cache.NewDigest()
	a.AddFloats("x", []float32{0})
	b.AddFloats("x", []float32{float32(math.Copysign(0, -1))})
	if a.Key() == b.Key() {
		t.Error("0 and −0 have one digest")
	}
}

type (
	options struct {
		Name   string
		Size   [2]int
		Scale  float64
		Region image.Rectangle
		Inner  any
		List   []uint8
		hidden bool
		Do     func()
	}
	generic[T any] struct{ Value int }
)

func TestDescribe(t *testing.T) {
	const here = "github.com/convlens/convlens/gonbviz/internal/cache_test"
	seen := map[string]int{}
	for i, value := range []any{
		options{}, options{Name: "a"}, options{Name: "0"}, options{Size: [2]int{1, 0}}, options{Size: [2]int{0, 1}},
		options{Scale: 0.1}, options{Scale: math.Nextafter(0.1, 1)}, options{Scale: math.Copysign(0, -1)},
		options{Region: image.Rect(0, 0, 1, 1)}, options{Inner: 1}, options{Inner: int64(1)}, options{Inner: "1"},
		options{Inner: options{}}, options{List: []uint8{}}, options{List: []uint8{0}}, options{hidden: true}, nil,
	} {
		text, ok := cache.Describe(value, here, "image")
		if j, found := seen[text]; found || !ok {
			t.Errorf("value %d is described as value %d is, or not at all (%t): %s", i, j, ok, text)
		}
		seen[text] = i
	}
	for what, value := range map[string]any{
		"pointer": &options{}, "pointer within": options{Inner: new(int)}, "function": options{Inner: func() {}}, "function's field": options{Do: func() {}},
		"map": options{Inner: map[int]int{}}, "channel": options{Inner: make(chan int)}, "generic": generic[options]{},
		"other package": image.Point{},
	} {
		if text, ok := cache.Describe(value, here); ok {
			t.Errorf("%s: described as %s", what, text)
		}
	}
}
