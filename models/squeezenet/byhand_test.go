package squeezenet_test

import (
	"github.com/gomlx/gomlx/ml/model"
)

// volume is a picture of any number of channels, the channel running fastest.
type volume struct {
	h, w, c int
	v       []float32
}

// byHand is SqueezeNet 1.1 in plain loops, to compare with.
func byHand(store *model.Store, x volume) []float32 {
	conv := func(name string, x volume, stride, pad int) volume {
		kernel := store.GetVariable("/" + name + "/weights").MustValue()
		bias := store.GetVariable("/" + name + "/biases").MustValue().Value().([]float32)
		return convolve(x, kernel.Value().([][][][]float32), bias, stride, pad)
	}
	x = pool(conv("conv1", x, 2, 0))
	for _, fire := range []string{"fire2", "fire3", "", "fire4", "fire5", "", "fire6", "fire7", "fire8", "fire9"} {
		if fire == "" {
			x = pool(x)
			continue
		}
		x = conv(fire+"/squeeze1x1", x, 1, 0)
		x = concat(conv(fire+"/expand1x1", x, 1, 0), conv(fire+"/expand3x3", x, 1, 1))
	}
	x = conv("conv10", x, 1, 0)
	mean := make([]float32, x.c)
	for i, v := range x.v {
		mean[i%x.c] += v / float32(x.h*x.w)
	}
	return mean
}

// convolve adds the bias and cuts at 0.
func convolve(x volume, kernel [][][][]float32, bias []float32, stride, pad int) volume {
	k := len(kernel)
	y := volume{h: (x.h+2*pad-k)/stride + 1, w: (x.w+2*pad-k)/stride + 1, c: len(bias)}
	for r := range y.h {
		for c := range y.w {
			sum := append([]float32(nil), bias...)
			for i := range k * k {
				yy, xx := r*stride+i/k-pad, c*stride+i%k-pad
				if yy < 0 || yy >= x.h || xx < 0 || xx >= x.w {
					continue
				}
				for in, v := range x.v[(yy*x.w+xx)*x.c:][:x.c] {
					for out, w := range kernel[i/k][i%k][in] {
						sum[out] += v * w
					}
				}
			}
			for _, s := range sum {
				y.v = append(y.v, max(s, 0))
			}
		}
	}
	return y
}

func pool(x volume) volume {
	y := volume{h: (x.h-3)/2 + 1, w: (x.w-3)/2 + 1, c: x.c}
	for i := range y.h * y.w * y.c {
		r, c, ch := i/y.c/y.w, i/y.c%y.w, i%y.c
		largest := x.v[(2*r*x.w+2*c)*x.c+ch]
		for k := range 9 {
			largest = max(largest, x.v[((2*r+k/3)*x.w+2*c+k%3)*x.c+ch])
		}
		y.v = append(y.v, largest)
	}
	return y
}

func concat(a, b volume) volume {
	y := volume{h: a.h, w: a.w, c: a.c + b.c}
	for i := range a.h * a.w {
		y.v = append(append(y.v, a.v[i*a.c:][:a.c]...), b.v[i*b.c:][:b.c]...)
	}
	return y
}
