package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// presets are the usual ways to feed a network, in the channel order given.
var presets = map[string]Input{
	// Of torchvision's ImageNet models.
	"imagenet": {Order: RGB, High: 1, Mean: []float32{0.485, 0.456, 0.406}, Deviation: []float32{0.229, 0.224, 0.225}},
	// Of Caffe's reference models.
	"caffe": {Order: BGR, High: 255, Mean: []float32{103.939, 116.779, 123.68}},
	// Of TensorFlow's MobileNet and Inception.
	"tf":   {Order: RGB, Low: -1, High: 1},
	"unit": {Order: RGB, High: 1},
	"raw":  {Order: RGB, High: 255},
}

// Presets lists the names that Preset knows.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset is in, fed as a preset says: "imagenet", "caffe", "tf", "unit" or "raw". Its size stays; of a gray input so
// does the order, and a preset with a mean for each colour is then an error.
func (in Input) Preset(name string) (Input, error) {
	p, found := presets[name]
	if !found {
		return in, fmt.Errorf("unknown preset %q; there are %s", name, strings.Join(Presets(), ", "))
	}
	if in.Order == Gray {
		if len(p.Mean) > 0 {
			return in, fmt.Errorf("preset %q is for colour pictures; the network takes gray ones", name)
		}
		p.Order = Gray
	}
	p.Height, p.Width = in.Height, in.Width
	return p, nil
}

// maxLabels is the size of the largest file of labels that is read.
const maxLabels = 16 << 20

// ReadLabels reads a class's label from each line of a UTF-8 text. Lines may end in CRLF, the last one in nothing;
// blank lines count.
func ReadLabels(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxLabels+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxLabels:
		return nil, fmt.Errorf("more than %d MB of labels", maxLabels>>20)
	case len(text) == 0:
		return nil, errors.New("no labels; the file is empty")
	case !utf8.Valid(text):
		return nil, errors.New("labels that are not UTF-8; save the file as UTF-8")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines, nil
}
