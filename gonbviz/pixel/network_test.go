package pixel_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// answers are the probabilities of the best classes, as other frameworks with Pillow's resizing give them.
var answers = map[string]map[string]float64{
	"squirrel": {"fox squirrel": 0.99},
	"shuttle":  {"space shuttle": 0.89},
	"chelsea":  {"tabby": 0.36, "Egyptian cat": 0.35},
	"coffee":   {"espresso": 0.98},
	"camera":   {"tripod": 0.86},
}

// TestSqueezeNetOnPhotographs holds the whole way from a file to a class: decoding, crop, resizing, channel order,
// weights and labels. Pure Go takes one picture, to be quick.
func TestSqueezeNetOnPhotographs(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		names := photos.Names()
		if backend == testbackend.Go() {
			names = names[:1]
		}
		check(t, backend, squeezenet.Network(), names)
	})
}

func check(t *testing.T, backend compute.Backend, net *models.Network, names []string) {
	var batch []float32
	for _, name := range names {
		batch = append(batch, prepare(t, name, net.Input).Values...)
	}
	exec, err := model.NewExec(backend, net.Store, net.Logits)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(batch, len(names), net.Input.Height, net.Input.Width, 3))
	if err != nil {
		t.Fatal(err)
	}
	for i, logits := range out.Value().([][]float32) {
		p := softmax(logits)
		best := slices.Index(p, slices.Max(p))
		if _, ok := answers[names[i]][net.Label(best)]; !ok {
			t.Errorf("%s is called %s", names[i], net.Label(best))
		}
		for label, want := range answers[names[i]] {
			got := p[slices.Index(net.Labels, label)]
			t.Logf("%s: %s %.4f", names[i], label, got)
			if math.Abs(got-want) > 0.03 {
				t.Errorf("%s: %s has probability %.3f, want %.2f", names[i], label, got, want)
			}
		}
	}
}

func prepare(t *testing.T, name string, in models.Input) *pixel.Prepared {
	t.Helper()
	photo, err := photos.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := pixel.Decode(bytes.NewReader(photo.Data), name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pixel.Prepare(img, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func softmax(logits []float32) []float64 {
	p := make([]float64, len(logits))
	largest, sum := slices.Max(logits), 0.0
	for i, l := range logits {
		p[i] = math.Exp(float64(l - largest))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
