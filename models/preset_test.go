package models_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/convlens/convlens/models"
)

func TestPreset(t *testing.T) {
	in := models.Input{Height: 5, Width: 7, Order: models.RGB, High: 3}
	for name, want := range map[string][3]float32{ // what white becomes
		"imagenet": {(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225},
		"caffe":    {255 - 103.939, 255 - 116.779, 255 - 123.68},
		"tf":       {1, 1, 1}, "unit": {1, 1, 1}, "raw": {255, 255, 255},
	} {
		got, err := in.Preset(name)
		if err != nil || got.Height != 5 || got.Width != 7 {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		for c, w := range want {
			if v := got.Value(1, c); math.Abs(float64(v-w)) > 1e-4 {
				t.Errorf("%s: white is %v in channel %d, want %v", name, v, c, w)
			}
		}
	}
	gray := models.Input{Order: models.Gray, Height: 1, Width: 1}
	if got, err := gray.Preset("tf"); err != nil || got.Order != models.Gray || got.Value(0, 0) != -1 {
		t.Errorf("gray by tf: %v, %v", got, err)
	}
	for _, name := range []string{"imagenet", "caffe", "nonsense"} {
		if _, err := gray.Preset(name); err == nil {
			t.Errorf("no error for a gray input by %q", name)
		}
	}
}

func TestReadLabels(t *testing.T) {
	for text, want := range map[string][]string{
		"a\nb":           {"a", "b"},
		"a\r\nb\r\n":     {"a", "b"},
		"a\n\n b \n":     {"a", "", " b "},
		"a\n\n":          {"a", ""},
		"\ufeffä, ö\nü":  {"ä, ö", "ü"},
		"one\ttab\nlast": {"one\ttab", "last"},
	} {
		if got, err := models.ReadLabels(strings.NewReader(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := models.ReadLabels(strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := models.ReadLabels(strings.NewReader("a\xff\n")); err == nil {
		t.Error("no error for bytes that are not UTF-8")
	}
}
