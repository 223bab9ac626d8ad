// Package onnx opens a classifier of pictures from an ONNX file as a models.Network: a plain GoMLX function,
// channels-last, whose variables lie under the names of the layers that the file gives them.
//
// What opens: graphs of operator sets 7 to 22 of the operators that convolutional networks are made of, with one input
// that is a batch of pictures, gray or in three colours, channels first or last, of fixed or open batch, exported from
// PyTorch, Keras, TensorFlow (tf2onnx) and others; the README lists which networks and versions were tried. Weights may be
// float32, float16, bfloat16 or double, in the file or beside it; all is computed in float32. Of several outputs the first
// is the classifier's, and a softmax or sigmoid at its end is left out. An operator or attribute that is not supported is
// an error before anything is built, which lists what is.
//
// What does not: resizing and upsampling, transposed convolutions, recurrent and quantised operators, control flow,
// sequences, and functions that a file defines itself.
//
// A file rarely says how a picture becomes its input. Open looks into the file's metadata and into a JSON file of the
// same name beside it (see Sidecar); where neither says it, the network's Guessed says what was assumed. Labels can be
// set afterwards: net.Labels = imagenet.Labels(); a number that is not that of the classes is an error where the network
// is opened to be looked into.
package onnx

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/convlens/convlens/models"
)

// Open opens the network in an ONNX file. Its errors are one line and name the file.
func Open(path string) (*models.Network, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	net, err := open(data, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return net, nil
}

// open opens the network in the data of a file.
func open(data []byte, path string) (*models.Network, error) {
	f, err := parse(data, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	beside, err := readSidecar(path)
	if err != nil {
		return nil, err
	}
	about, err := f.about(beside)
	if err != nil {
		return nil, err
	}
	p, s, classes, err := f.fit(about)
	if err != nil {
		return nil, err
	}
	net := &models.Network{
		Name:   strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
		Logits: p.logits, Tensors: p.tensors, Store: p.store, Files: f.files,
	}
	if beside != nil {
		net.Files = append(net.Files, SidecarPath(path))
	}
	return net, about.apply(net, s, classes)
}
