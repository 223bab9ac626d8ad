package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/pixel"
)

// methodFlags are the options that say which parts are hidden, and those of the methods beside occlusion.
type methodFlags struct {
	name, segments, channels, unit, fill string
	rise                                 attrib.RISE
	layers                               attrib.ChannelAblation
}

// The methods, as --method names them.
const (
	occlusionMethod = "occlusion"
	revealMethod    = "reveal"
	ablationMethod  = "ablation"
	riseMethod      = "rise"
	channelsMethod  = "channels"
)

// windowFlags say where windows lie, and say nothing where others than windows are hidden.
var windowFlags = []string{"window", "stride", "border", "region", "soft"}

// methodsFlags are those that say something to each method, beside those that do to all.
var methodsFlags = map[string][]string{
	occlusionMethod: append([]string{"fill", "seed", "overlap", "map", "exact", "focus", "superpixels", "segments", "channels", "unit"}, windowFlags...),
	revealMethod:    append([]string{"fill", "seed", "overlap", "map", "focus", "superpixels", "segments", "channels", "unit"}, windowFlags...),
	ablationMethod:  {"fill", "seed", "overlap", "map", "exact", "focus", "superpixels", "segments", "channels", "unit"},
	riseMethod:      {"fill", "seed", "focus", "masks", "cells", "keep"},
	channelsMethod:  {"layer", "to"},
}

func (m *methodFlags) add(command *cobra.Command, o *attrib.Occlusion) {
	flags := command.Flags()
	flags.StringVar(&m.name, "method", occlusionMethod, "what is asked, by `method`: occlusion hides windows, reveal shows each alone,\nablation hides superpixels, rise looks through random masks,\nchannels silences those of an inner layer")
	flags.IntVar(&o.Soft, "soft", 0, "make the windows' edges ramps of `N` pixels")
	flags.IntVar(&o.Superpixels, "superpixels", 0, "hide about `N` parts of alike pixels in place of windows (--method ablation: 50)")
	flags.StringVar(&m.segments, "segments", "", "hide the pixels of each colour of this picture `file` together, not windows,\nor those of each number of an .npy file, height × width of the network's input")
	flags.StringVar(&m.channels, "channels", "", "hide only these channels of the input, `N[,N...]` from 0 on (default: all)")
	flags.StringVar(&m.unit, "unit", "", "explain a channel of an inner layer, not a class: `LAYER:CHANNEL` for the mean\nof its map or LAYER:CHANNEL:ROW:COLUMN for a value in it")
	flags.IntVar(&m.rise.Masks, "masks", 0, "--method rise: the number `N` of masks (default: 1000)")
	flags.IntVar(&m.rise.Cells, "cells", 0, "--method rise: masks of `N` cells a side (default: 7, fewer on an input of fewer pixels)")
	flags.Float64Var(&m.rise.Keep, "keep", 0, "--method rise: the `probability` that a cell shows the picture (default: 0.5)")
	flags.StringVar(&m.layers.Layer, "layer", "", "--method channels: the `layer`, as in gonbviz layers")
	flags.StringVar((*string)(&m.layers.To), "to", string(attrib.ToZero), "--method channels: `zero|mean`, what a silenced channel's values become;\nmean is that of its map")
}

// read puts the options into o and refuses what is wrong whatever the files hold.
func (m *methodFlags) read(command *cobra.Command, o *attrib.Occlusion) error {
	if err := m.checkFlags(command); err != nil {
		return err
	}
	if file, ok := strings.CutPrefix(string(o.Fill), "@"); ok && file != "" {
		m.fill, o.Fill = file, attrib.OtherPicture
	} else if o.Fill == attrib.OtherPicture || ok {
		return usageError("--fill: name the picture's file: @FILE")
	}
	if m.channels != "" {
		for word := range strings.SplitSeq(m.channels, ",") {
			c, err := strconv.Atoi(strings.TrimSpace(word))
			if err != nil || c < 0 {
				return usageError("--channels %q: give numbers from 0 on with commas between", m.channels)
			}
			o.Channels = append(o.Channels, c)
		}
	}
	var err error
	o.Unit, err = readUnit(m.unit)
	return err
}

// checkFlags refuses options that say nothing to the method, and wrong ones.
func (m *methodFlags) checkFlags(command *cobra.Command) error {
	own, known := methodsFlags[m.name]
	if !known {
		return usageError("--method %q: it is one of occlusion, reveal, ablation, rise, channels", m.name)
	}
	for _, list := range methodsFlags {
		for _, flag := range list {
			if command.Flags().Changed(flag) && !slices.Contains(own, flag) {
				return usageError("--%s says nothing to --method %s", flag, m.name)
			}
		}
	}
	for _, part := range []string{"superpixels", "segments"} {
		for _, flag := range windowFlags {
			if command.Flags().Changed(part) && command.Flags().Changed(flag) {
				return usageError("--%s is about windows, and --%s hides others", flag, part)
			}
		}
	}
	if m.name == channelsMethod && m.layers.Layer == "" {
		return usageError("--method channels: name a layer with --layer")
	}
	if command.Flags().Changed("superpixels") && command.Flags().Changed("segments") {
		return usageError("give either --superpixels or --segments")
	}
	for _, flag := range []string{"superpixels", "masks", "cells", "keep"} {
		if f := command.Flags().Lookup(flag); f.Changed && strings.Trim(f.Value.String(), "-0") == "" { // to the methods, 0 is the default
			return usageError("--%s %s: give more than 0, or leave it out for the default", flag, f.Value)
		}
	}
	return nil
}

// check refuses what the method says can't be, whatever the network and the files.
func (m *methodFlags) check(o attrib.Occlusion) error {
	if m.segments != "" {
		o.Segments = []int{0} // until the file is read
	}
	if err := m.method(o).Check(); err != nil {
		return &usage{err}
	}
	return nil
}

// readUnit reads "LAYER:CHANNEL" or "LAYER:CHANNEL:ROW:COLUMN"; a layer's name may hold colons of its own.
func readUnit(text string) (attrib.Unit, error) {
	if text == "" {
		return attrib.Unit{}, nil
	}
	words := strings.Split(text, ":")
	number := func(back int) (int, bool) {
		if back >= len(words) {
			return 0, false
		}
		n, err := strconv.Atoi(words[len(words)-back])
		return n, err == nil && n >= 0
	}
	name := func(back int) string { return strings.Join(words[:len(words)-back], ":") }
	column, ok := number(1)
	if !ok {
		return attrib.Unit{}, usageError("--unit %q: give LAYER:CHANNEL or LAYER:CHANNEL:ROW:COLUMN", text)
	}
	row, hasRow := number(2)
	channel, hasChannel := number(3)
	if name(1) == "" || hasRow && hasChannel && name(3) == "" {
		return attrib.Unit{}, usageError("--unit %q: name the layer: LAYER:CHANNEL or LAYER:CHANNEL:ROW:COLUMN", text)
	}
	if hasRow && hasChannel {
		return attrib.Unit{Layer: name(3), Channel: channel, At: true, Row: row, Column: column}, nil
	}
	return attrib.Unit{Layer: name(1), Channel: column}, nil
}

// readFiles puts into o what lies in files.
func (m *methodFlags) readFiles(a *analysis, lens *gonbviz.Lens, o *attrib.Occlusion) error {
	if m.fill != "" {
		picture, err := a.openPicture(m.fill)
		if err != nil {
			return fmt.Errorf("--fill: %w", err)
		}
		other, err := lens.Prepare(picture)
		if err != nil {
			return fmt.Errorf("--fill: %w", err)
		}
		o.FillPicture = other.Values
	}
	if m.segments != "" {
		picture, err := a.openPicture(m.segments)
		if err != nil {
			return fmt.Errorf("--segments: %w", err)
		}
		if o.Segments, err = pixel.Segments(picture, lens.Network().Input); err != nil {
			return fmt.Errorf("--segments %s: %w", m.segments, err)
		}
	}
	return nil
}

// checked is a method that knows what can't be.
type checked interface {
	attrib.Method
	Check() error
}

// method is what the options ask for, with those of o.
func (m *methodFlags) method(o attrib.Occlusion) checked {
	switch m.name {
	case revealMethod:
		return attrib.Reveal(o)
	case ablationMethod:
		return attrib.Ablation(o)
	case riseMethod:
		r := m.rise
		r.Class, r.Score, r.Fill, r.Batch, r.Seed = o.Class, o.Score, o.Fill, o.Batch, o.Seed
		return r
	case channelsMethod:
		c := m.layers
		c.Class, c.Score, c.Batch = o.Class, o.Score, o.Batch
		return c
	}
	return o
}
