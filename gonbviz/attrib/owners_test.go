package attrib_test

import (
	"context"
	"slices"
	"testing"

	"github.com/convlens/convlens/gonbviz/attrib"
)

// TestOwners holds which pixels positions have, and that asking for another size than the input's does no harm.
func TestOwners(t *testing.T) {
	network, picture := counting()
	rows := []int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}
	segments := must(attrib.Ablation{Segments: rows}.Attribute(context.Background(), network, picture)).Grid
	windows := must(attrib.Occlusion{Window: attrib.Pixels(2), Stride: attrib.Pixels(2)}.Attribute(context.Background(), network, picture)).Grid
	for what, test := range map[string]struct{ got, want []int }{
		"segments":       {segments.Owners(4, 4), rows},
		"of other size":  {segments.Owners(3, 2), []int{-1, -1, -1, -1, -1, -1}},
		"windows":        {windows.Owners(4, 4), []int{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3}},
		"in a part":      {windows.Owners(3, 2), []int{0, 0, 0, 0, 2, 2}},
		"in larger ones": {windows.Owners(2, 5), []int{0, 0, 1, 1, -1, 0, 0, 1, 1, -1}},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", what, test.got, test.want)
		}
	}
}
