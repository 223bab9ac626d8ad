package scale_test

import (
	"math"
	"slices"
	"testing"

	"github.com/convlens/convlens/gonbviz/scale"
)

const (
	thin = "\u2009"
	nbsp = "\u00a0"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.94: "0.94", -0.94: "−0.94", 225: "225", 450: "450", 0.5: "0.5", 0.0020: "0.002", -0.002: "−0.002",
		1204: "1" + thin + "204", 1234567: "1" + thin + "234" + thin + "567", 837.6: "838", 999.6: "1" + thin + "000",
		0.12345: "0.123", 1e-9: "1e−9", -1.234e-7: "−1.23e−7", 3e8: "3e8", 0.1 + 0.2: "0.3",
		math.Inf(1): "∞", math.Inf(-1): "−∞", math.NaN(): "not a number",
	} {
		if got := scale.Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestProbability(t *testing.T) {
	for p, want := range map[float64]string{0.9939: "0.994", 0.99951: ">0.999", 1: ">0.999", 0.9994: "0.999", 0: "0.000", 0.0004: "<0.001", 0.0006: "0.001"} {
		if got := scale.Probability(p); got != want {
			t.Errorf("Probability(%v) = %q, want %q", p, got, want)
		}
	}
	for p, want := range map[float64]string{0.99394: "0.9939", 0.99996: ">0.9999", 0.00004: "<0.0001", 0.0003: "0.0003", 0: "0.0000"} {
		if got := scale.Probability4(p); got != want {
			t.Errorf("Probability4(%v) = %q, want %q", p, got, want)
		}
	}
}

func TestOtherNumbers(t *testing.T) {
	for _, c := range [][2]string{
		{scale.Count(6724), "6" + thin + "724"}, {scale.Count(676), "676"}, {scale.Count(1235496), "1" + thin + "235" + thin + "496"},
		{scale.Count(-12), "−12"},
		{scale.Fixed(-1204.5, 2), "−1" + thin + "204.50"}, {scale.Fixed(-0.0001, 2), "0.00"}, {scale.Score(21.3), "21.300"},
		{scale.Percent(0.957), "95.7" + nbsp + "%"}, {scale.Percent(0), "0.0" + nbsp + "%"}, {scale.Percent(0.0001), "<0.1" + nbsp + "%"},
		{scale.Versus(0.9939, 0.0026), "1" + nbsp + "/" + nbsp + "382"}, {scale.Versus(0.5, 0.0002), "1" + nbsp + "/" + nbsp + "2" + thin + "500"},
		{scale.Versus(0.5, 0.5), ""}, {scale.Versus(0.5, 0), ""}, {scale.Versus(1, 1e-9), "1" + nbsp + "/" + nbsp + "1e9"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		s    scale.Scale
		want []scale.Tick
	}{
		{scale.Scale{}, []scale.Tick{{0, "0"}, {0.5, "0.5"}, {1, "1"}}},
		{scale.Scale{High: 450}, []scale.Tick{{0, "0"}, {0.5, "225"}, {1, "450"}}},
		{scale.Scale{Low: -0.94, High: 0.94, Diverging: true}, []scale.Tick{{0, "−0.94"}, {0.5, "0"}, {1, "+0.94"}}},
		{scale.Scale{Low: -1, High: 3}, []scale.Tick{{0, "−1"}, {0.25, "0"}, {1, "3"}}},
	} {
		if got := c.s.Ticks(); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
