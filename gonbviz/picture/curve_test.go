package picture

import (
	"math"
	"slices"
	"testing"
)

// All of few values are drawn, of many the extremes and the last; what is missing parts the line.
func TestCurveRuns(t *testing.T) {
	values := make([]float64, 10_000)
	for i := range values {
		values[i] = float64(i % 10)
	}
	values[5005], values[9999] = 70, 3
	count := func(values ...float64) (runs, points int, last point, top float64) {
		c := Curve{Series: []Series{{Values: values}}}
		x, y := c.axes()
		top = math.Inf(1)
		for _, run := range c.runs(c.Series[0], x, y, 600, 100) {
			runs, points, last = runs+1, points+len(run), run[len(run)-1]
			for _, p := range run {
				top = min(top, p.y)
			}
		}
		return runs, points, last, top
	}
	if runs, points, _, _ := count(values[:300]...); runs != 1 || points != 300 {
		t.Errorf("300 values are %d points in %d runs", points, runs)
	}
	runs, points, last, top := count(values...)
	if runs != 1 || points < 500 || points > 605 || top != curveEdge+100*(1-70.0/80) || last != (point{600, curveEdge + 100*(1-3.0/80)}) {
		t.Errorf("10,000 values are %d points in %d runs up to %v, the last at %v", points, runs, top, last)
	}
	nan, inf := math.NaN(), math.Inf(-1)
	if runs, points, _, _ := count(nan, 1, 2, nan, 3, inf, inf, 4, 5, 6); runs != 3 || points != 6 {
		t.Errorf("%d points in %d runs between gaps", points, runs)
	}
}

func TestCurveAxes(t *testing.T) {
	for _, c := range []struct {
		curve Curve
		want  []string
	}{
		{Curve{Series: []Series{{Values: []float64{2.3, 0.2}}}}, []string{"0", "1", "2", "3"}},
		{Curve{Series: []Series{{Values: []float64{0.91, 0.987}}}}, []string{"0.90", "0.92", "0.94", "0.96", "0.98", "1.00"}},
		{Curve{Series: []Series{{Values: []float64{5, 5}}}}, []string{"2", "4", "6", "8"}},
		{Curve{Series: []Series{{Values: []float64{-3, 1}}}}, []string{"−3", "−2", "−1", "0", "1"}},
		{Curve{Low: 0, High: 1, Series: []Series{{Values: []float64{0.5, 0.6}}}}, []string{"0.0", "0.5", "1.0"}},
		{Curve{Log: true, Series: []Series{{Values: []float64{2, 0.03, 0, -1}}}}, []string{"0.01", "0.1", "1", "10"}},
		{Curve{}, []string{"0.0", "0.5", "1.0"}},
	} {
		_, y := c.curve.axes()
		var got []string
		for _, tick := range y.ticks {
			got = append(got, tick.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: ticks %q, want %q", c.curve.Series, got, c.want)
		}
	}
}
