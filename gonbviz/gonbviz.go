// Package gonbviz draws, inline in a notebook on the GoNB kernel, what a convolutional network has learnt: its
// filters, the maps that each layer answers with, and which part of a picture the answer rests on.
//
//	lens := gonbviz.Must(gonbviz.Open(squeezenet.Network()))
//	photo := gonbviz.Must(gonbviz.Photo("squirrel"))
//	gonbviz.Show(lens.Filters("conv1"))
//	gonbviz.Show(lens.Activations(photo, "conv1", "fire5"))
//	gonbviz.Show(lens.Explain(photo, attrib.Occlusion{}))
//
// Every result is numbers first: what Show draws, Save writes as a picture or as numbers.
//
// Nothing is computed twice: what Explain, Classify, Maps and Report find is kept on disk and known again when the same
// is asked of the same network, weights, picture, backend and code; but for a tensor that is asked for by its name in the
// network's file. See NoCacheEnv.
package gonbviz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// Lens is a network open to be looked into.
type Lens struct {
	*probe.Probe
	// Running says in one line which backend runs the network and why.
	Running string
	// results are those on disk; nil where none are kept.
	results *results
}

// Open opens a network on the backend that the environment variable GOMLX_BACKEND asks for; without it on XLA where
// its plugin is installed, else on the pure-Go backend, which needs nothing but is many times slower.
func Open(network *models.Network) (*Lens, error) { return OpenOn("", network) }

// OpenOn opens a network on a backend, written as in GOMLX_BACKEND: "xla:cpu", "xla:cuda", "go".
func OpenOn(backend string, network *models.Network) (*Lens, error) {
	b, choice, err := plugin.Open(backend)
	if err != nil {
		return nil, err
	}
	p, err := probe.Open(b, network)
	if err != nil {
		return nil, err
	}
	return &Lens{Probe: p, Running: choice.Line, results: openResults(p, choice)}, nil
}

// Photo opens an embedded photograph by its name (see photos.Names), or a picture file by its path.
func Photo(name string) (*pixel.Photo, error) {
	if !slices.Contains(photos.Names(), name) {
		photo, err := pixel.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w; embedded photographs: %s", err, strings.Join(photos.Names(), ", "))
		}
		return photo, err
	}
	file, err := photos.Open(name)
	if err != nil {
		return nil, err
	}
	// Their licences ask for no notice beside each result: that stands with the photograph itself.
	return pixel.Decode(bytes.NewReader(file.Data), name)
}

// LayerTable is the list of a network's layers.
type LayerTable struct {
	// Network as it is open on Backend.
	Network, Backend string
	Input            models.Input
	// Guessed says what about Input was assumed, and Notice what must be seen beside the network's results; each is empty
	// where there is nothing to say.
	Guessed, Notice string
	Layers          []probe.Layer
}

// LayerTable lists the layers in order of execution.
func (l *Lens) LayerTable() LayerTable {
	return LayerTable{l.Network().Name, l.BackendName(), l.Network().Input, l.Network().Guessed, l.Network().Notice, l.Layers()}
}

// Classify asks the network what a picture shows.
func (l *Lens) Classify(photo image.Image) (*probe.Answer, error) {
	return with(l, photo, l.classify)
}

// Filters reads the filters of a convolution, to be drawn on one scale for all of them that is centred at 0. For other
// scales see FilterBank.
func (l *Lens) Filters(layer string) (*probe.FilterBank, error) {
	return l.FilterBank(probe.Filters{Layer: layer})
}

// FilterBank reads the filters of a convolution.
func (l *Lens) FilterBank(f probe.Filters) (*probe.FilterBank, error) { return l.Probe.Filters(f) }

// Activations captures the maps that layers answer with, the strongest 18 of each. For more and other ones see Maps.
func (l *Lens) Activations(photo image.Image, layers ...string) (*probe.MapSet, error) {
	return l.Maps(photo, probe.Maps{Layers: layers, Sort: probe.ByStrength, Top: 18})
}

// Maps captures the maps that layers answer with, all in one forward pass.
func (l *Lens) Maps(photo image.Image, m probe.Maps) (*probe.MapSet, error) {
	return with(l, photo, func(ctx context.Context, p *pixel.Prepared) (*probe.MapSet, error) { return l.maps(ctx, p, m) })
}

// Explain finds the pixels that the answer rests on. The result of a method of one's own is never kept on disk: nothing
// tells when its code changes.
//
// In a notebook a preview shows what is known so far, and gives its place to the next figure that is shown. The kernel's
// interrupt stops the work: then what is known is shown, and returned beside the error.
func (l *Lens) Explain(photo image.Image, method attrib.Method) (*attrib.Attribution, error) {
	return with(l, photo, func(ctx context.Context, p *pixel.Prepared) (*attrib.Attribution, error) {
		return l.attribute(ctx, p, method)
	})
}

// Prepare makes a photograph the network's input.
func (l *Lens) Prepare(photo image.Image) (*pixel.Prepared, error) {
	return pixel.Prepare(photo, l.Network().Input)
}

// with runs an analysis of a photograph under a context that the kernel's interrupt cancels, its progress shown.
func with[R any](l *Lens, photo image.Image, run func(context.Context, *pixel.Prepared) (R, error)) (R, error) {
	prepared, err := l.Prepare(photo)
	if err != nil {
		var none R
		return none, err
	}
	ctx, done := background()
	result, err := run(ctx, prepared)
	done(result, err)
	return result, err
}
