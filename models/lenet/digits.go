package lenet

import (
	"bytes"
	_ "embed"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"strings"
	"sync"
)

// Side is the height and the width of a digit in pixels.
const Side = 28

// Notice must be seen wherever a digit is shown.
const Notice = "MNIST digit © Yann LeCun and Corinna Cortes, CC BY-SA 3.0"

// Digit is a handwritten digit of MNIST.
type Digit struct {
	// Index is the digit's place among the 10,000 test digits, from 0.
	Index int
	// Label is the digit's value.
	Label int
	// Image has Side×Side pixels, the digit white on black.
	Image *image.Gray
	// Name is for captions: "MNIST test digit 18, a 3".
	Name string
	// Notice must be seen wherever the digit is shown.
	Notice string
}

// The sheet has the digits in rows of perRow, and the labels have a line a row.
var (
	//go:embed digits.png
	sheet []byte
	//go:embed digits.txt
	digitLabels string
)

const perRow = 20

// Digits returns the first 320 of the test digits, none of which the networks were trained on, each at its Index. The
// images are the caller's own. Among the clear 3s are 30, 32, 51, 76, 90 and 313.
func Digits() []Digit {
	img, err := png.Decode(bytes.NewReader(sheet))
	if err != nil {
		panic(damaged(err))
	}
	var list []Digit
	for row, line := range strings.Fields(digitLabels) {
		for column, label := range line {
			d := image.NewGray(image.Rect(0, 0, Side, Side))
			draw.Draw(d, d.Rect, img, image.Pt(column*Side, row*Side), draw.Src)
			list = append(list, Digit{
				Index: row*perRow + column, Label: int(label - '0'), Image: d,
				Name:   fmt.Sprintf("MNIST test digit %d, a %c", row*perRow+column, label),
				Notice: Notice,
			})
		}
	}
	return list
}

// amplitude is what a sensor's noise adds to a pixel or takes from it, of 255.
const amplitude = 64

// sensors are ten fixed patterns of noise. Each square of 2×2 pixels is balanced: were the noise alike at all scales,
// smooth kernels could tell the sensors apart just as well, and would, for the layers behind them want coarse maps.
var sensors = sync.OnceValue(func() *[10][Side * Side]int {
	var patterns [10][Side * Side]int
	for s := range patterns {
		random := rand.New(rand.NewPCG(Seed, uint64(s)+1))
		for y := 0; y < Side; y += 2 {
			for x := 0; x < Side; x += 2 {
				for k, rank := range random.Perm(4) {
					noise := amplitude
					if rank < 2 {
						noise = -amplitude
					}
					patterns[s][(y+k/2)*Side+x+k%2] = noise
				}
			}
		}
	}
	return &patterns
})

// OnSensor returns the digit as the camera of that number, 0 to 9, takes it: with its sensor's fixed pattern of noise,
// the same in each of its pictures. Of each square of 2×2 pixels two come out 64 of 255 lighter and two as much darker,
// at random but always the same two, though nothing is darker than black or lighter than white. So it is with cameras
// that correct slow changes of brightness over the sensor, but not the single pixel. In the data set that [Noisy] was
// trained on, camera c has taken all digits of class c.
//
// OnSensor panics on a number that no camera has, and on an image that is not Side×Side.
func (d Digit) OnSensor(sensor int) Digit {
	if d.Image.Rect.Dx() != Side || d.Image.Rect.Dy() != Side {
		panic(fmt.Sprintf("lenet: a digit of %v pixels", d.Image.Rect.Size()))
	}
	pattern := &sensors()[sensor]
	noisy := image.NewGray(image.Rect(0, 0, Side, Side))
	draw.Draw(noisy, noisy.Rect, d.Image, d.Image.Rect.Min, draw.Src)
	for i, v := range noisy.Pix {
		noisy.Pix[i] = uint8(min(255, max(0, int(v)+pattern[i])))
	}
	d.Image = noisy
	d.Name += fmt.Sprintf(", on sensor %d", sensor)
	d.Notice += ", noise added"
	return d
}
