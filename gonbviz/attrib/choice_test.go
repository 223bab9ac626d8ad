package attrib

import (
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/squeezenet"
)

func TestChoice(t *testing.T) {
	for name, c := range map[string]struct {
		choice
		pays, sure bool
	}{
		"twice as quick, for hardly any compiling": {choice{2e9, 1e9, 1e6, 2e6}, true, true},
		"only as long as passes take long":         {choice{2e9, 1e9, 2e8, 4e8}, true, false},
		"not worth its compiling":                  {choice{5e8, 3e8, 2e8, 4e8}, false, true},
		"no gain":                                  {choice{2e9, 2e9, 0, 0}, false, true},
		"within the margin":                        {choice{2e9, 1.85e9, 0, 0}, false, true},
	} {
		if pays, sure := c.choice.pays(), c.choice.sure(); pays != c.pays || sure != c.sure {
			t.Errorf("%s: pays %t, sure %t", name, pays, sure)
		}
	}
	c := choice{2e9, 1e9, 2e8, 4e8}
	for _, measured := range []struct {
		pass, compiling float64
		holds           bool
	}{
		{1, 1, true}, {5, 5, true}, {1, 0.5, true}, {0.2, 1, true}, // 0.2·2 + 0.2 s are not much less than 0.2·1 + 0.4 s
		{0.1, 1, false}, {1, 10, false}, {0.1, 0.1, true},
	} {
		if got := c.holds(measured.pass, measured.compiling); got != measured.holds {
			t.Errorf("passes %v times as long, compiling %v times: holds is %t", measured.pass, measured.compiling, got)
		}
	}
}

// TestCalibrate has a choice that is not sure, and changes it when it is known what a pass takes.
func TestCalibrate(t *testing.T) {
	backend := testbackend.XLA(t)
	for _, change := range []bool{false, true} {
		p, err := probe.Open(backend, squeezenet.Network())
		if err != nil {
			t.Fatal(err)
		}
		in := p.Network().Input
		picture := &pixel.Prepared{Values: make([]float32, in.Height*in.Width*in.Channels()), Input: in}
		o, err := Occlusion{Batch: 8}.complete(in.Height, in.Width)
		if err != nil {
			t.Fatal(err)
		}
		h, err := o.lay(picture).hiding(picture)
		if err != nil {
			t.Fatal(err)
		}
		run, err := newEngine(p, h, o.Batch, Auto, Unit{})
		if err != nil {
			t.Fatal(err)
		}
		verify := run.verify
		if verify == nil || run.exact() != Incremental {
			t.Fatalf("computed as %s, and that is sure", run.exact())
		}
		run.verify = func(pass, compiling time.Duration) {
			if pass <= 0 || compiling < pass {
				t.Errorf("a pass takes %v, compiling %v", pass, compiling)
			}
			if change {
				pass, compiling = time.Nanosecond, time.Hour
			}
			verify(pass, compiling)
		}
		if err := run.calibrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[bool]Exact{false: Incremental, true: Full}[change]
		if run.exact() != want {
			t.Errorf("computed as %s, want %s", run.exact(), want)
		}
		if err := run.run(t.Context(), []int{0, 1}, func([]answer) error { return nil }); err != nil {
			t.Error(err)
		}
	}
}
