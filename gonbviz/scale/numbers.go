package scale

import (
	"math"
	"strconv"
	"strings"
)

const (
	minus = "−" // as wide as a digit, unlike the hyphen
	thin  = "\u2009"
	nbsp  = "\u00a0"
)

// Tick is a number beside a legend.
type Tick struct {
	// At is its position in the domain, 0..1.
	At float64
	// Label is the number in words.
	Label string
}

// Ticks are the ends of the domain and its middle; where the domain encloses 0 elsewhere, 0 takes the middle's place.
func (s Scale) Ticks() []Tick {
	low, high := s.Domain()
	middle := (low + high) / 2
	if low < 0 && high > 0 {
		middle = 0
	}
	ticks := make([]Tick, 0, 3)
	for _, v := range []float64{low, middle, high} {
		label := Number(v)
		if s.Diverging && v > 0 {
			label = "+" + label
		}
		ticks = append(ticks, Tick{s.Position(v), label})
	}
	return ticks
}

// Number writes v with three digits that count, whole numbers in full: 0.94, 225, −0.002, 1 204, 1.2e−9.
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "not a number"
	case math.IsInf(v, 0):
		return sign(v) + "∞"
	case a == 0:
		return "0"
	case a < 1e-4 || a >= 1e7:
		return sign(v) + strings.Replace(shortest(a), "e-", "e"+minus, 1)
	case a >= 999.5:
		return sign(v) + thousands(strconv.FormatFloat(a, 'f', 0, 64))
	}
	return sign(v) + strconv.FormatFloat(roundTo(a, 3), 'f', -1, 64)
}

// shortest is a with three digits and a power of ten.
func shortest(a float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(a, 'e', 2, 64), "e")
	mantissa = strings.TrimSuffix(strings.TrimRight(mantissa, "0"), ".")
	n, _ := strconv.Atoi(exponent)
	return mantissa + "e" + strconv.Itoa(n)
}

// roundTo keeps the given number of digits; through text, so that every machine agrees.
func roundTo(a float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(a, 'e', digits-1, 64), 64)
	return r
}

// Fixed writes v with the given number of decimals, with a true minus and thousands apart: −1 204.50.
func Fixed(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Number(v)
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, fraction, dotted := strings.Cut(s, ".")
	s = thousands(whole)
	if dotted {
		s += "." + fraction
	}
	if strings.Trim(s, "0.") == "" {
		return s // no minus before a zero
	}
	return sign(v) + s
}

// Count writes n with thousands apart: 6 724.
func Count(n int) string { return Fixed(float64(n), 0) }

// Probability writes p with three decimals, and says so where they would round to 0 or 1: >0.999, <0.001.
func Probability(p float64) string { return probability(p, 3) }

// Probability4 is Probability with four decimals, as tables have it.
func Probability4(p float64) string { return probability(p, 4) }

func probability(p float64, decimals int) string {
	unit := math.Pow(10, -float64(decimals))
	switch {
	case p > 1-unit/2:
		return ">" + Fixed(1-unit, decimals)
	case p > 0 && p < unit/2:
		return "<" + Fixed(unit, decimals)
	}
	return Fixed(p, decimals)
}

// Score writes a logit, or the logarithm of a probability, with three decimals.
func Score(v float64) string { return Fixed(v, 3) }

// Percent writes a share of 0..1 with one decimal: 95.7 %. What is more than nothing is never 0.0 %.
func Percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1" + nbsp + "%"
	}
	return Fixed(100*share, 1) + nbsp + "%"
}

// Versus writes how small p is beside best: 1 / 384. It is empty where p is not smaller, or where it is 0.
func Versus(best, p float64) string {
	ratio := math.Round(best / p)
	if !(p > 0) || ratio < 2 || math.IsInf(ratio, 0) {
		return ""
	}
	if ratio >= 1e7 {
		return "1" + nbsp + "/" + nbsp + Number(ratio)
	}
	return "1" + nbsp + "/" + nbsp + Fixed(ratio, 0)
}

func sign(v float64) string {
	if v < 0 {
		return minus
	}
	return ""
}

// thousands sets digits apart in groups of three.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + thin + digits[i:]
	}
	return digits
}
