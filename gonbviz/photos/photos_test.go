package photos_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/photos"
)

func TestOpen(t *testing.T) {
	sizes := map[string]image.Point{
		"squirrel": {535, 426}, "shuttle": {320, 320}, "chelsea": {451, 300}, "coffee": {600, 400}, "camera": {512, 512},
	}
	if n := len(photos.Names()); n != len(sizes) {
		t.Errorf("%d names, want %d", n, len(sizes))
	}
	for _, name := range photos.Names() {
		p, err := photos.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := image.Pt(c.Width, c.Height); got != sizes[name] {
			t.Errorf("%s is %v, want %v", name, got, sizes[name])
		}
		if p.Name != name || !strings.Contains(p.Notice, p.Licence) || p.Licence == "" {
			t.Errorf("%s: name %q, licence %q, notice %q", name, p.Name, p.Licence, p.Notice)
		}
	}
}

func TestOpenGivesACopy(t *testing.T) {
	p, _ := photos.Open("squirrel")
	p.Data[0] = 0
	if p, _ = photos.Open("squirrel"); p.Data[0] != 0xff {
		t.Error("a change to one caller's data is seen by the next")
	}
}

func ExampleOpen() {
	p, _ := photos.Open("chelsea")
	fmt.Println(p.Notice)
	_, err := photos.Open("dog")
	fmt.Println(err)
	// Output:
	// Chelsea the cat, by Stéfan van der Walt; from scikit-image, CC0-1.0
	// no built-in photograph "dog"; there are squirrel, shuttle, chelsea, coffee, camera
}
