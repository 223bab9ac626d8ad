package check_test

import (
	"math"
	"testing"

	"github.com/convlens/convlens/notebooks/exercises/check"
)

func TestHash(t *testing.T) {
	for _, same := range [][2]any{
		{0.123, 0.1249}, {float32(0.5), 0.5}, {"Fire6 / Expand3x3", "fire6/expand3x3"}, {[]int{1, 2}, []int{1, 2}}, {7, 7.0},
		{math.Copysign(0, -1), 0.0}, {-0.001, 0.0},
	} {
		if check.Hash("1", same[0]) != check.Hash("1", same[1]) {
			t.Errorf("%v and %v count as different answers", same[0], same[1])
		}
	}
	for _, different := range [][2]any{{0.12, 0.13}, {1, 2}, {[]int{1, 2}, []int{2, 1}}, {"a", "b"}, {1, -1}} {
		if check.Hash("1", different[0]) == check.Hash("1", different[1]) {
			t.Errorf("%v and %v count as one answer", different[0], different[1])
		}
	}
	if check.Hash("1", 7) == check.Hash("2", 7) {
		t.Error("equal answers to different tasks look alike")
	}
}

func ExampleAnswer() {
	hash := check.Hash("0", 42) // what the sheet holds instead of the answer
	check.Answer("0", 41, hash)
	check.Answer("0", 42, hash)
	// Output:
	// Task 0: not yet. (Your answer: 41)
	// Task 0: right.
}
