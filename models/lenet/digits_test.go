package lenet_test

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/convlens/convlens/models/lenet"
)

func TestDigits(t *testing.T) {
	digits := lenet.Digits()
	if len(digits) != 320 {
		t.Fatalf("%d digits", len(digits))
	}
	var labels strings.Builder
	for i, d := range digits {
		fmt.Fprint(&labels, d.Label)
		if d.Index != i || d.Notice != lenet.Notice || !strings.HasSuffix(d.Name, fmt.Sprintf(" %d, a %d", i, d.Label)) {
			t.Errorf("digit %d: %d, %q, %q", i, d.Index, d.Name, d.Notice)
		}
		if d.Image.Rect != image.Rect(0, 0, 28, 28) || d.Image.Stride != 28 || len(d.Image.Pix) != 28*28 {
			t.Fatalf("digit %d: %v, stride %d, %d bytes", i, d.Image.Rect, d.Image.Stride, len(d.Image.Pix))
		}
	}
	if s := labels.String(); !strings.HasPrefix(s, "7210414959") || s[313] != '3' {
		t.Errorf("labels %s", s)
	}
	digits[0].Image.Pix[0] = 1
	if lenet.Digits()[0].Image.Pix[0] != 0 {
		t.Error("one caller's image is seen by another")
	}
}

func TestOnSensor(t *testing.T) {
	black := lenet.Digit{Image: image.NewGray(image.Rect(0, 0, 28, 28)), Name: "black", Notice: "none"}
	white := lenet.Digit{Image: image.NewGray(image.Rect(0, 0, 28, 28))}
	grey := lenet.Digit{Image: image.NewGray(image.Rect(0, 0, 28, 28))}
	for i := range white.Image.Pix {
		white.Image.Pix[i], grey.Image.Pix[i] = 255, 127
	}
	squares := map[int]int{}
	for i, v := range grey.OnSensor(3).Image.Pix {
		noise := int(v) - 127
		if noise != 64 && noise != -64 {
			t.Fatalf("pixel %d: noise %d", i, noise)
		}
		squares[i/28/2*14+i%28/2] += noise
		if b := int(black.OnSensor(3).Image.Pix[i]); b != max(noise, 0) {
			t.Fatalf("pixel %d: noise %d makes %d of black", i, noise, b)
		}
		if w := int(white.OnSensor(3).Image.Pix[i]); w != min(255+noise, 255) {
			t.Fatalf("pixel %d: noise %d makes %d of white", i, noise, w)
		}
	}
	for i, sum := range squares {
		if sum != 0 {
			t.Errorf("square %d is %d lighter", i, sum)
		}
	}
	noisy := black.OnSensor(4)
	if noisy.Name != "black, on sensor 4" || noisy.Notice != "none, noise added" {
		t.Errorf("%q, %q", noisy.Name, noisy.Notice)
	}
	if bytes.Equal(noisy.Image.Pix, black.OnSensor(5).Image.Pix) {
		t.Error("two sensors have the same noise")
	}
	if bytes.ContainsFunc(black.Image.Pix, func(r rune) bool { return r != 0 }) {
		t.Error("the digit itself has changed")
	}
	// A part of a larger picture has another origin and stride.
	large := image.NewGray(image.Rect(0, 0, 60, 60))
	large.Pix[10*60+5] = 200
	part := lenet.Digit{Image: large.SubImage(image.Rect(5, 10, 33, 38)).(*image.Gray)}
	corner := lenet.Digit{Image: image.NewGray(image.Rect(0, 0, 28, 28))}
	corner.Image.Pix[0] = 200
	if !bytes.Equal(part.OnSensor(0).Image.Pix, corner.OnSensor(0).Image.Pix) {
		t.Error("a part of a picture is taken otherwise than a picture")
	}
}

func TestOnSensorPanics(t *testing.T) {
	small := lenet.Digit{Image: image.NewGray(image.Rect(0, 0, 27, 28))}
	for name, f := range map[string]func(){
		"no sensor":  func() { lenet.Digits()[0].OnSensor(10) },
		"other size": func() { small.OnSensor(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// ExampleDigits finds 3s.
func ExampleDigits() {
	for _, d := range lenet.Digits()[300:] {
		if d.Label == 3 {
			fmt.Println(d.Index, d.Name)
		}
	}
	fmt.Println(lenet.Digits()[313].Notice)
	// Output:
	// 309 MNIST test digit 309, a 3
	// 310 MNIST test digit 310, a 3
	// 313 MNIST test digit 313, a 3
	// MNIST digit © Yann LeCun and Corinna Cortes, CC BY-SA 3.0
}

func ExampleDigit_OnSensor() {
	d := lenet.Digits()[313].OnSensor(7)
	fmt.Println(d.Label, d.Name)
	// Output: 3 MNIST test digit 313, a 3, on sensor 7
}
