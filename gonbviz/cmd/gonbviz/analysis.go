package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/internal/setup"
	"github.com/convlens/convlens/gonbviz/pixel"
	work "github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// builtIn are the networks that need no file.
var builtIn = []struct {
	name string
	open func() *models.Network
}{
	{"squeezenet", squeezenet.Network},
}

// analysis holds the options that the analyses share.
type analysis struct {
	model, image, layout, preset, labels, backend, out string
	asJSON                                             bool
}

// onModel gives a command the options about its network.
func (a *analysis) onModel(command *cobra.Command, backend string) {
	flags := command.Flags()
	flags.StringVar(&a.model, "model", builtIn[0].name, "a built-in network, see `gonbviz models`")
	flags.StringVar(&a.preset, "preset", "", "how a picture becomes the input, where the network's own way is not wanted: "+strings.Join(models.Presets(), ", "))
	flags.StringVar(&a.labels, "labels", "", "a text file with a label a line, in place of the network's own")
	flags.StringVar(&a.backend, "backend", backend, "a GoMLX backend, as in GOMLX_BACKEND (default: XLA where its plugin is installed, else pure Go)")
}

// onImage gives a command the options about its picture.
func (a *analysis) onImage(command *cobra.Command) {
	command.Flags().StringVar(&a.image, "image", "squirrel", "a PNG, JPEG, GIF or WebP file, an .npy file with the input as it is, or an embedded photograph's name")
	command.Flags().StringVar(&a.layout, "layout", string(pixel.NHWC), "axis order of an .npy image: nhwc or nchw")
}

// printed gives a command that prints its output the choice of JSON or a file.
func (a *analysis) printed(command *cobra.Command) {
	command.Flags().BoolVar(&a.asJSON, "json", false, "print one JSON document")
	command.Flags().StringVar(&a.out, "out", "", "write to this file instead of printing")
}

// drawn gives a command its file.
func (a *analysis) drawn(command *cobra.Command) {
	command.Flags().StringVar(&a.out, "out", "", "the file to write; its ending says what")
}

// check refuses what is wrong whatever the files hold. result is a value of the type that the call saves.
func (a *analysis) check(result any, required bool) error {
	if !slices.Contains(modelNames(), a.model) {
		if strings.EqualFold(filepath.Ext(a.model), ".onnx") {
			return usageError("--model %s: ONNX files can't be opened yet; built-in networks: %s", a.model, strings.Join(modelNames(), ", "))
		}
		return usageError("--model %q: no such network; there are %s", a.model, strings.Join(modelNames(), ", "))
	}
	if a.preset != "" && !slices.Contains(models.Presets(), a.preset) {
		return usageError("--preset %q: it is one of %s", a.preset, strings.Join(models.Presets(), ", "))
	}
	if err := oneOf("layout", pixel.Layout(a.layout), []pixel.Layout{pixel.NHWC, pixel.NCHW}); a.layout != "" && err != nil {
		return err
	}
	return a.checkOut(result, required)
}

func (a *analysis) checkOut(result any, required bool) error {
	if a.out == "" {
		if required {
			return usageError("--out is missing; its ending says what to write: %s", strings.Join(gonbviz.Endings(result), ", "))
		}
		return nil
	}
	if ending := strings.ToLower(filepath.Ext(a.out)); !slices.Contains(gonbviz.Endings(result), ending) {
		return usageError("--out %s: this call can't write %q; it can write %s", a.out, ending, strings.Join(gonbviz.Endings(result), ", "))
	}
	for _, input := range []string{a.image, a.labels, a.model} {
		if input != "" && sameFile(input, a.out) {
			return usageError("--out %s is an input of the same call; give another name", a.out)
		}
	}
	return nil
}

// sameFile reports whether two names lead to one file, there yet or not.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	absX, errX := filepath.Abs(a)
	absY, errY := filepath.Abs(b)
	return errX == nil && errY == nil && absX == absY
}

func modelNames() []string {
	names := make([]string, len(builtIn))
	for i, b := range builtIn {
		names[i] = b.name
	}
	return names
}

// open opens the network as the options say.
func (a *analysis) open() (*gonbviz.Lens, error) {
	net := builtIn[slices.Index(modelNames(), a.model)].open()
	if a.preset != "" {
		input, err := net.Input.Preset(a.preset)
		if err != nil {
			return nil, fmt.Errorf("--preset: %w", err)
		}
		net.Input = input
	}
	own := len(net.Labels)
	if a.labels != "" {
		file, err := os.Open(a.labels)
		if err != nil {
			return nil, fileError(a.labels, err)
		}
		defer file.Close()
		if net.Labels, err = models.ReadLabels(file); err != nil {
			return nil, fmt.Errorf("--labels %s: %w", a.labels, err)
		}
		if len(net.Labels) != own {
			return nil, fmt.Errorf("--labels %s: %d labels for the %d classes of %s", a.labels, len(net.Labels), own, net.Name)
		}
	}
	return gonbviz.OpenOn(a.backend, net)
}

// fileError is err with the file's name once.
func fileError(name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// prepare opens the picture as the network's input.
func (a *analysis) prepare(lens *gonbviz.Lens) (*pixel.Prepared, error) {
	var picture image.Image
	var err error
	if strings.EqualFold(filepath.Ext(a.image), ".npy") {
		picture, err = pixel.OpenArray(a.image, pixel.Layout(a.layout))
	} else {
		picture, err = gonbviz.Photo(a.image)
	}
	if err != nil {
		return nil, err
	}
	prepared, err := lens.Prepare(picture)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.image, err)
	}
	return prepared, nil
}

// save writes a result and says what it is, and on which backend it was made.
func (a *analysis) save(command *cobra.Command, result any, running string) error {
	if err := gonbviz.Save(a.out, result); err != nil {
		return err
	}
	figure, err := gonbviz.FigureOf(result)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	fmt.Fprintf(out, "%s: %s\n", escape(a.out), figure.Plain())
	if running != "" {
		fmt.Fprintln(out, escape(running))
	}
	return nil
}

// watched is the command's context with its progress shown on standard error: a bar where that is a terminal, and what
// is worth a line of its own.
func watched(command *cobra.Command) (ctx context.Context, end func()) {
	out := progress(command)
	line, end := setup.NewLine(out)
	ctx = work.With(command.Context(), func(u work.Update) {
		if u.Note != "" && out != nil {
			end()
			fmt.Fprintln(out, u.Note)
		}
		line(bar(u))
	})
	return ctx, end
}

// bar is an update as a line for a terminal.
func bar(u work.Update) string {
	const width = 30
	if u.Total == 0 {
		return strings.TrimSpace(u.Name + " " + u.Stage)
	}
	done := min(width*u.Done/u.Total, width)
	text := fmt.Sprintf("%s %s%s %d of %d %s", u.Name, strings.Repeat("█", done), strings.Repeat("░", width-done), u.Done, u.Total, u.Unit)
	if u.Detail != "" {
		text += " · " + u.Detail
	}
	return text
}
