package imagenet_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/convlens/convlens/models/imagenet"
)

func TestLabels(t *testing.T) {
	labels := imagenet.Labels()
	if len(labels) != 1000 {
		t.Fatalf("%d labels", len(labels))
	}
	for i, want := range map[int]string{
		0: "tench", 134: "crane", 281: "tabby", 335: "fox squirrel", 517: "crane", 638: "maillot", 639: "maillot",
		999: "toilet tissue",
	} {
		if labels[i] != want {
			t.Errorf("label %d is %q, want %q", i, labels[i], want)
		}
	}
	if slices.Contains(labels, "") {
		t.Error("a label is empty")
	}
	labels[0] = ""
	if imagenet.Labels()[0] != "tench" {
		t.Error("one caller's change is seen by another")
	}
}

func ExampleLabels() {
	fmt.Println(imagenet.Labels()[335])
	// Output: fox squirrel
}
