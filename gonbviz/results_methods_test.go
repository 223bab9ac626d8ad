package gonbviz

import (
	"bytes"
	"image"
	"testing"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
)

// TestMethodsKept finds what each method found again, all of it; but for what a function of the caller's measured.
func TestMethodsKept(t *testing.T) {
	caching(t)
	lens, photo := openGo(t, testnet.Branches(23, 31, 1)), noise(23, 31)
	labels := make([]int, 23*31)
	other := make([]float32, 23*31*3)
	for i := range labels {
		labels[i] = i % 31 / 8
	}
	seen := map[string]string{}
	for name, m := range map[string]attrib.Method{
		"regions":  attrib.Occlusion{Regions: []image.Rectangle{image.Rect(1, 2, 3, 4), image.Rect(5, 5, 9, 9)}, Channels: []int{1}},
		"segments": attrib.Occlusion{Segments: labels, FillPicture: other, Score: attrib.Margin},
		"soft":     attrib.Occlusion{Window: attrib.Share(0.5), Stride: attrib.Share(0.25), Soft: 2, AllClasses: true},
		"unit":     attrib.Occlusion{Window: attrib.Pixels(9), Unit: attrib.Unit{Layer: "stem", Channel: 1}},
		"ablation": attrib.Ablation{Superpixels: 9}, "reveal": attrib.Reveal{Window: attrib.Pixels(9), AllClasses: true},
		"RISE": attrib.RISE{Masks: 9}, "RISE, another seed": attrib.RISE{Masks: 9, Seed: 1},
		"channels": attrib.ChannelAblation{Layer: "stem"}, "channels to mean": attrib.ChannelAblation{Layer: "stem", To: attrib.ToMean},
	} {
		first := Must(lens.Explain(photo, m))
		again := Must(lens.Explain(photo, m))
		if first.Cached || !again.Cached {
			t.Errorf("%s: known the first time: %t, the second: %t", name, first.Cached, again.Cached)
		}
		text := func(a *attrib.Attribution) string {
			plain := *a
			plain.Cached = false
			var b bytes.Buffer
			if err := WriteJSON(&b, &plain); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		if text(first) != text(again) {
			t.Errorf("%s: found %s, kept %s", name, text(first), text(again))
		}
		if twin, met := seen[text(first)]; met {
			t.Errorf("%s finds what %s does", name, twin)
		}
		seen[text(first)] = name
		if g := again.Grid; g != nil && g.Logits != nil {
			if _, err := again.For(1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	own := attrib.Occlusion{Window: attrib.Pixels(9), Measure: func(logits []float32) float64 { return float64(logits[0]) }}
	for range 2 {
		if a := Must(lens.Explain(photo, own)); a.Cached || a.Score != attrib.Measured {
			t.Errorf("what a function measured is kept: %t; score %s", a.Cached, a.Score)
		}
	}
}
