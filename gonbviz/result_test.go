package gonbviz_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// TestNothing draws and saves results that are not there, or lack what they are asked for: each is one clear error.
func TestNothing(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 1)), stripes(40, 33)
	rise := must(lens.Explain(photo, attrib.RISE{Masks: 9}))(t)
	for want, results := range map[string][]any{
		"there is no attribution": {(*attrib.Attribution)(nil), gonbviz.Panels{}, gonbviz.Extremes{}, gonbviz.Focused{}},
		"is nil":                  {(*probe.Answer)(nil), gonbviz.Top{}, (*probe.MapSet)(nil), (*probe.FilterBank)(nil), (*gonbviz.Report)(nil), (*pixel.Photo)(nil)},
		"neither a map nor a":     {&attrib.Attribution{}, &attrib.Attribution{Picture: rise.Picture}},
		"no windows":              {&attrib.Attribution{Picture: rise.Picture, Grid: &attrib.Grid{}}},
		"no drops":                {&attrib.Attribution{Picture: rise.Picture, Channels: &attrib.Channels{}}},
		"no Picture":              {&attrib.Attribution{Map: rise.Map}, gonbviz.Panels{Attribution: &attrib.Attribution{Map: rise.Map}}},
		"no positions":            {gonbviz.Extremes{Attribution: rise}, gonbviz.Panels{Attribution: rise, Show: gonbviz.BestClass}},
		"unknown reading":         {gonbviz.Panels{Attribution: rise, Show: "nonsense"}},
	} {
		for _, result := range results {
			if _, err := gonbviz.FigureOf(result); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the figure of %T: %v, want %q", result, err, want)
			}
			for _, ending := range gonbviz.Endings(result) {
				if err := gonbviz.Save(filepath.Join(t.TempDir(), "nothing"+ending), result); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%T as %s: %v, want %q", result, ending, err, want)
				}
			}
		}
	}
	if e := (gonbviz.Extremes{Attribution: rise}); len(e.Strongest())+len(e.Weakest()) > 0 {
		t.Error("there are extremes without positions")
	}
	if _, err := gonbviz.CompareFilters("nothing", nil, nil); err == nil {
		t.Error("filters that are not there are compared")
	}
	if _, err := gonbviz.CompareUnit(0, nil, nil); err == nil {
		t.Error("maps that are not there are compared")
	}
	for _, method := range []attrib.Method{nil, (*attrib.Occlusion)(nil)} {
		if _, err := lens.Explain(photo, method); err == nil || !strings.Contains(err.Error(), "no method") {
			t.Errorf("explained by %T: %v", method, err)
		}
	}
}

// TestPanelsAsArray saves all panels, and those of the drop, as the attribution itself.
func TestPanelsAsArray(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 1)), stripes(40, 33)
	saved := func(result any) string {
		path := filepath.Join(t.TempDir(), "array.npy")
		if err := gonbviz.Save(path, result); err != nil {
			t.Fatal(err)
		}
		return string(must(os.ReadFile(path))(t))
	}
	for _, method := range []attrib.Method{attrib.Occlusion{}, attrib.RISE{Masks: 9}, attrib.ChannelAblation{Layer: "stem"}} {
		a := must(lens.Explain(photo, method))(t)
		for _, show := range []gonbviz.Reading{"", gonbviz.Drop} {
			if saved(gonbviz.Panels{Attribution: a, Show: show}) != saved(a) {
				t.Errorf("%s: panels %q are another array", a.Method, show)
			}
		}
	}
}

// TestShowReport prints a line for each figure of a report.
func TestShowReport(t *testing.T) {
	lens := open(t, testnet.Branches(23, 31, 1))
	report := must(lens.Report(t.Context(), must(lens.Prepare(stripes(40, 33)))(t)))(t)
	out := must(os.Create(filepath.Join(t.TempDir(), "out")))(t)
	old := os.Stdout
	os.Stdout = out
	defer func() { os.Stdout = old }()
	gonbviz.Show(report)
	if text := must(os.ReadFile(out.Name()))(t); strings.Count(string(text), "\n") != len(report.Figures) {
		t.Errorf("%d figures are shown as %q", len(report.Figures), text)
	}
	if _, err := gonbviz.FigureOf(report); err == nil || !strings.Contains(err.Error(), "several figures") {
		t.Errorf("a report as one figure: %v", err)
	}
}

// TestForeignOptions writes the options of a method from a cell, which may call what it likes "seed".
func TestForeignOptions(t *testing.T) {
	a := *must(open(t, testnet.Branches(23, 31, 1)).Explain(stripes(40, 33), attrib.RISE{Masks: 9}))(t)
	a.Options = []attrib.Option{{Name: "seed", Value: "random"}, {Name: "masks", Value: "9"}}
	var out strings.Builder
	if err := gonbviz.WriteJSON(&out, &a); err != nil || !strings.Contains(out.String(), `"random"`) || !strings.Contains(out.String(), `"masks": 9`) && !strings.Contains(out.String(), `"masks":9`) {
		t.Errorf("%v", err)
	}
}
