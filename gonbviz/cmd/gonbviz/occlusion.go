package main

import (
	"fmt"
	"image"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/pixel"
)

// occlusionFlags are the options that must be read before they can be used.
type occlusionFlags struct{ window, stride, region, reading, focus string }

func newOcclusion() *cobra.Command {
	var a analysis
	var o attrib.Occlusion
	var f occlusionFlags
	var m methodFlags
	command := &cobra.Command{
		Use:   "occlusion",
		Short: "Draw which part of a picture the answer rests on, by hiding one part after the other",
		Long: "Hides one window of the picture after the other, asks the network again each time, and draws how far the\n" +
			"score of the class falls: a positive value means that the hidden part supported the class. An .npy file\n" +
			"holds the map, height × width of the network's input, or the grid of positions (--overlap none, --map\n" +
			"probability and --map class); .csv has a row for each position; .json has it all.\n\n" +
			"--method asks in other ways: reveal shows each window alone and draws what it gains; ablation hides parts that\n" +
			"follow what is seen; rise looks through random masks; channels silences the channels of an inner layer.",
		Example: "  gonbviz occlusion --image cat.jpg --out heatmap.png\n" +
			"  gonbviz occlusion --image cat.jpg --class tabby --score logit --window 32 --stride 8 --fill mean --out heatmap.svg\n" +
			"  gonbviz occlusion --image cat.jpg --map class --out classes.html\n" +
			"  gonbviz occlusion --image cat.jpg --method ablation --superpixels 80 --fill patchmean --out parts.html\n" +
			"  gonbviz occlusion --image cat.jpg --method channels --layer fire9 --out channels.html\n" +
			"  gonbviz occlusion --image cat.jpg --focus 60,40,110,140 --out focus.html",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := m.read(command, &o); err != nil {
				return err
			}
			if err := f.read(&o); err != nil {
				return err
			}
			if err := m.check(o); err != nil {
				return err
			}
			a.inputs = []string{f.focus, m.fill, m.segments}
			lens, picture, err := a.begin(command.Context(), &attrib.Attribution{}, true)
			if err != nil {
				return err
			}
			part, err := f.part(&a, lens)
			if err != nil {
				return err
			}
			if err := m.readFiles(&a, lens, &o); err != nil {
				return err
			}
			ctx, end := watched(command)
			result, err := m.method(o).Attribute(ctx, lens.Probe, picture)
			end()
			if err != nil {
				return err
			}
			shown, err := f.shown(result, part)
			if err != nil {
				return err
			}
			return a.save(command, shown, lens.Running)
		},
	}
	flags := command.Flags()
	flags.StringVar(&f.window, "window", "", "the hidden window, `H[xW]` pixels of the network's input, or N% of its\nshorter side (default: 15%)")
	flags.StringVar(&f.stride, "stride", "", "the step from window to window, `H[xW]` pixels or N% (default: a quarter of the\nwindow)")
	flags.StringVar((*string)(&o.Fill), "fill", string(attrib.Gray), "the `fill` that a window shows: gray, black, white, mean (of the picture),\npatchmean (of what is hidden), blur, noise, inpaint, zero, a number in units\nof the network's input, one a channel (0,-1,1), or @FILE, another picture")
	flags.StringVar((*string)(&o.Border), "border", string(attrib.Cut), "`cut|inside`: windows that run over the border are cut off\nthere, or shifted back inside")
	flags.StringVar((*string)(&o.Overlap), "overlap", string(attrib.OverlapMean), "`mean|sum|none`: the map is the mean or the sum over the windows\nthat hide a pixel, or only the grid of positions is made")
	flags.StringVar(&f.region, "region", "", "`x,y,w,h`: hide windows inside this rectangle of the network's input alone")
	flags.StringVar(&f.reading, "map", string(gonbviz.Drop), "`drop|probability|class|crops`: draw the drop of the score, the probability\nof the class at each position, the most probable class there,\nor the positions that matter most and least")
	flags.StringVar(&f.focus, "focus", "", "say which share of what supports the class lies inside `x,y,w,h`, a box in pixels of the\nnetwork's input, inside a picture file that is white inside and black outside,\nor in the strongest N% of the pixels")
	explained(command, &o)
	flags.IntVar(&o.Batch, "batch", 0, "`N` positions at once, rounded down to a power of two;\n0: chosen by the memory at hand")
	flags.StringVar((*string)(&o.Exact), "exact", string(attrib.Auto), "`auto|incremental|full`: compute of the network's maps only what a window changes,\nor all of them, the same up to rounding; auto: what is done sooner")
	flags.Uint64Var(&o.Seed, "seed", 0, "`N`: what the noise of --fill noise and the masks of --method rise are made from")
	m.add(command, &o)
	a.drawn(command, &attrib.Attribution{})
	a.onModel(command)
	a.onImage(command)
	return command
}

// explained gives a command the options that say what a heatmap explains.
func explained(command *cobra.Command, o *attrib.Occlusion) {
	flags := command.Flags()
	flags.StringVar(&o.Class, "class", "", "the class to explain: its `label`, else its index (default: the best)")
	flags.StringVar((*string)(&o.Score), "score", string(attrib.Probability), "what is measured of the class, `score`: logit, probability, logprob (the\nprobability's natural logarithm), or margin (the logit less the\nlargest other one)")
}

// read puts the options into o and refuses what is wrong whatever the network.
func (f *occlusionFlags) read(o *attrib.Occlusion) error {
	var err error
	if o.Window, err = readSize("window", f.window); err != nil {
		return err
	}
	if o.Stride, err = readSize("stride", f.stride); err != nil {
		return err
	}
	if o.Region, err = readBox("region", f.region); err != nil {
		return err
	}
	if err := oneOf("map", gonbviz.Reading(f.reading), []gonbviz.Reading{gonbviz.Drop, gonbviz.Probability, gonbviz.BestClass, crops}); err != nil {
		return err
	}
	return f.checkFocus(o)
}

// crops is the --map that shows the positions that matter most and least.
const crops gonbviz.Reading = "crops"

// shown is what of a result is drawn: its focus on a part, where there is one.
func (f *occlusionFlags) shown(result *attrib.Attribution, part any) (any, error) {
	switch {
	case part != nil:
		return gonbviz.FocusOn(result, part)
	case gonbviz.Reading(f.reading) == crops:
		return gonbviz.Extremes{Attribution: result}, nil
	}
	return gonbviz.Panels{Attribution: result, Show: gonbviz.Reading(f.reading)}, nil
}

// checkFocus refuses a --focus that is wrong whatever the files hold.
func (f *occlusionFlags) checkFocus(o *attrib.Occlusion) error {
	switch {
	case f.focus == "":
		return nil
	case gonbviz.Reading(f.reading) != gonbviz.Drop:
		return usageError("--focus is about the drop; leave out --map %s", f.reading)
	case o.Overlap == attrib.OverlapNone:
		return usageError("--focus needs a map; --overlap none makes none")
	}
	if percent, ok := strings.CutSuffix(f.focus, "%"); ok {
		if share, err := strconv.ParseFloat(percent, 64); err != nil || !(share > 0 && share <= 100) {
			return usageError("--focus %q: give a share of the pixels above 0%% and up to 100%%", f.focus)
		}
	}
	numbers := strings.Trim(f.focus, "0123456789-., ") == "" // no name of a file
	if _, err := readBox("focus", f.focus); err != nil && (numbers || strings.Count(f.focus, ",") == 3) {
		return err
	}
	return nil
}

// part is what --focus names: a box, a share, or a mask that lies in a file; nil where it names nothing.
func (f *occlusionFlags) part(a *analysis, lens *gonbviz.Lens) (any, error) {
	if f.focus == "" {
		return nil, nil
	}
	if percent, ok := strings.CutSuffix(f.focus, "%"); ok {
		share, err := strconv.ParseFloat(percent, 64)
		return share / 100, err
	}
	in := lens.Network().Input
	input := image.Rect(0, 0, in.Width, in.Height)
	if box, err := readBox("focus", f.focus); err == nil {
		if !box.In(input) {
			return nil, fmt.Errorf("--focus %s does not lie inside the input of %d×%d", f.focus, in.Width, in.Height)
		}
		return box, nil
	}
	mask, err := pixel.Open(f.focus)
	if err != nil {
		return nil, fmt.Errorf("--focus: %w", err)
	}
	if size := mask.Bounds().Size(); size != a.size && size != input.Size() {
		return nil, fmt.Errorf("--focus %s: a mask of %d×%d pixels; it needs those of the picture, %d×%d, or of the network's input, %d×%d",
			f.focus, size.X, size.Y, a.size.X, a.size.Y, in.Width, in.Height)
	}
	return lens.Mask(mask)
}

// readSize reads "H", "HxW" or "N%"; nothing stands for the default.
func readSize(flag, text string) (attrib.Size, error) {
	if text == "" {
		return attrib.Size{}, nil
	}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		share, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(share > 0 && share <= 100) {
			return attrib.Size{}, usageError("--%s %q: give a share above 0%% and up to 100%%", flag, text)
		}
		return attrib.Share(share / 100), nil
	}
	h, w, both := strings.Cut(text, "x")
	if !both {
		w = h
	}
	height, errH := strconv.Atoi(h)
	width, errW := strconv.Atoi(w)
	if errH != nil || errW != nil || height < 1 || width < 1 {
		return attrib.Size{}, usageError("--%s %q: give pixels as H or HxW, at least 1 each, or a share as N%%", flag, text)
	}
	return attrib.Size{H: height, W: width}, nil
}

// readBox reads "x,y,w,h"; nothing stands for everything.
func readBox(flag, text string) (image.Rectangle, error) {
	if text == "" {
		return image.Rectangle{}, nil
	}
	words := strings.Split(text, ",")
	var n [4]int
	bad := len(words) != 4
	for i, word := range words {
		if bad {
			break
		}
		var err error
		n[i], err = strconv.Atoi(strings.TrimSpace(word))
		bad = err != nil || n[i] < 0 || i > 1 && n[i] == 0 || n[i] > 1<<20
	}
	if bad {
		return image.Rectangle{}, usageError("--%s %q: give x,y,w,h in pixels of the input, w and h at least 1", flag, text)
	}
	return image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3]), nil
}
