package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/internal/setup"
	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	work "github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/filterbank"
	"github.com/convlens/convlens/models/imagenet"
	"github.com/convlens/convlens/models/lenet"
	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/squeezenet"
	"github.com/convlens/convlens/models/weights"
)

// builtIn are the networks that need no file.
var builtIn = []struct {
	name string
	open func() *models.Network
}{
	{"squeezenet", squeezenet.Network},
	{"lenet", lenet.Network},
	{"lenet-noisy", lenet.Noisy},
	{"lenet-untrained", lenet.Untrained},
	{"filterbank", filterbank.Network},
}

// analysis holds the options that the analyses share.
type analysis struct {
	model, weights, image, layout, preset, labels, backend, out string
	asJSON                                                      bool

	warn   func(text string) // a line on standard error, unless --quiet
	inputs []string          // further files that are read
	size   image.Point       // of the picture as it lies in its file
}

// Words in backquotes in the texts of options stand for the option's value in a command's help.

// onModel gives a command that runs its network the options about it.
func (a *analysis) onModel(command *cobra.Command) {
	a.onNetwork(command)
	command.Flags().StringVar(&a.backend, "backend", "", "what runs the network: go, xla or another `configuration` as in GOMLX_BACKEND\n(default: XLA where its plugin is installed, else pure Go)")
}

// onWeights gives a command that only reads its network the options about it. The backend that needs nothing will do.
func (a *analysis) onWeights(command *cobra.Command) {
	a.onNetwork(command)
	command.Flags().StringVar(&a.backend, "backend", "go", "what opens the network, a `configuration` as in GOMLX_BACKEND; nothing is run here")
}

func (a *analysis) onNetwork(command *cobra.Command) {
	a.warn = func(text string) {
		if out := progress(command); out != nil {
			fmt.Fprintln(out, escape(text))
		}
	}
	flags := command.Flags()
	flags.StringVar(&a.model, "model", builtIn[0].name, "a built-in `network`, or with --weights another (gonbviz models lists both),\nor an .onnx file")
	flags.StringVar(&a.weights, "weights", "", "a safetensors `file` with the network's weights, as torchvision and timm save them")
	flags.StringVar(&a.preset, "preset", "", "how colours become the network's input, by `name`: "+strings.Join(models.Presets(), ", ")+"\n(default: the network's own way)")
	flags.StringVar(&a.labels, "labels", "", "a text `file` with a label a line, in place of the network's own,\nor "+builtInLabels+" for the labels of its 1000 classes, which are built in")
}

// onImage gives a command the options about its picture.
func (a *analysis) onImage(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&a.image, "image", photos.Names()[0], "a PNG, JPEG, GIF or WebP `file`, an .npy file that is the network's input as it is,\nor a built-in photograph: "+strings.Join(photos.Names(), ", "))
	flags.StringVar(&a.layout, "layout", string(pixel.NHWC), "`nhwc|nchw`: order of the axes of an .npy image")
}

// printed gives a command that prints its output the choice of JSON or a file. result is of the type that it saves.
func (a *analysis) printed(command *cobra.Command, result any) {
	command.Flags().BoolVar(&a.asJSON, "json", false, "print one JSON document")
	command.Flags().StringVar(&a.out, "out", "", "write this `file` instead of printing; its ending says what: "+endings(result))
}

// drawn gives a command its file.
func (a *analysis) drawn(command *cobra.Command, result any) {
	command.Flags().StringVar(&a.out, "out", "", "the `file` to write; its ending says what: "+endings(result))
}

func endings(result any) string { return strings.Join(gonbviz.Endings(result), ", ") }

// check refuses what is wrong whatever the files hold. result is a value of the type that the call saves.
func (a *analysis) check(result any, required bool) error {
	if err := a.checkModel(); err != nil {
		return err
	}
	if a.preset != "" && !slices.Contains(models.Presets(), a.preset) {
		return usageError("--preset %q: it is one of %s", a.preset, strings.Join(models.Presets(), ", "))
	}
	if name, _, _ := strings.Cut(a.backend, ":"); name != "" && name != "xla" && !slices.Contains(compute.List(), name) {
		return usageError("--backend %q: no such backend; there are go and xla", a.backend)
	}
	return a.checkOut(result, required)
}

// checkModel refuses a network that can't be had.
func (a *analysis) checkModel() error {
	complete, bare := slices.Contains(modelNames(), a.model), slices.Contains(architectureNames(), a.model)
	switch {
	case bare && a.weights == "":
		return usageError("--model %s has no weights of its own; give it --weights FILE.safetensors", a.model)
	case complete && a.weights != "":
		return usageError("--weights: %s has its own; --model can be one of %s", a.model, strings.Join(architectureNames(), ", "))
	case complete || bare:
		return nil
	case isONNX(a.model) && a.weights != "":
		return usageError("--weights: %s has its own; --model can be one of %s", a.model, strings.Join(architectureNames(), ", "))
	case isONNX(a.model):
		return nil
	}
	return usageError("--model %q: no such network; it is an .onnx file, or one of %s, or with --weights %s", a.model, strings.Join(modelNames(), ", "), strings.Join(architectureNames(), ", "))
}

// checkImage refuses what is wrong about the picture's options whatever the files hold.
func (a *analysis) checkImage() error {
	return oneOf("layout", pixel.Layout(a.layout), []pixel.Layout{pixel.NHWC, pixel.NCHW})
}

func (a *analysis) checkOut(result any, required bool) error {
	if a.out == "" {
		if required {
			return usageError("--out is missing; its ending says what to write: %s", endings(result))
		}
		return nil
	}
	if ending := strings.ToLower(filepath.Ext(a.out)); !slices.Contains(gonbviz.Endings(result), ending) {
		return usageError("--out %s: this call can't write %q; it can write %s", a.out, ending, endings(result))
	}
	if a.overwrites(append(a.inputs, a.image, a.labels, a.model, a.weights)) {
		return &usage{a.inputError()}
	}
	if isONNX(a.model) && a.overwrites([]string{onnx.SidecarPath(a.model)}) {
		return usageError("--out %s is what %s is read with, as an input of the same call; give another name", a.out, a.model)
	}
	if err := gonbviz.CanSave(a.out); err != nil {
		return fmt.Errorf("--out %w", err)
	}
	return nil
}

// overwrites reports whether --out names one of the files that the call reads.
func (a *analysis) overwrites(inputs []string) bool {
	return a.out != "" && slices.ContainsFunc(inputs, func(input string) bool { return input != "" && sameFile(input, a.out) })
}

func (a *analysis) inputError() error {
	return fmt.Errorf("--out %s is an input of the same call; give another name", a.out)
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

// isONNX reports whether --model names a file.
func isONNX(name string) bool { return strings.EqualFold(filepath.Ext(name), ".onnx") }

// isArray reports whether a name is that of an array's file.
func isArray(name string) bool { return strings.EqualFold(filepath.Ext(name), ".npy") }

func modelNames() []string {
	names := make([]string, len(builtIn))
	for i, b := range builtIn {
		names[i] = b.name
	}
	return names
}

// open opens the network as the options say. It takes a while, in which the call may be interrupted.
func (a *analysis) open(ctx context.Context) (*gonbviz.Lens, error) {
	net, err := a.network()
	if err != nil {
		return nil, err
	}
	if a.overwrites(net.Files) {
		return nil, a.inputError()
	}
	if a.preset != "" {
		input, err := net.Input.Preset(a.preset)
		if err != nil {
			return nil, fmt.Errorf("--preset: %w", err)
		}
		net.Input, net.Guessed = input, net.GuessedSize
	}
	a.warnGuessed(net)
	lens, err := gonbviz.OpenOn(a.backend, net)
	if err != nil {
		return nil, err
	}
	if a.labels != "" {
		if net.Labels, err = a.readLabels(lens.Classes()); err != nil {
			return nil, err
		}
	}
	return lens, ctx.Err()
}

// warnGuessed says what is assumed about the input. How colours become numbers is of no interest where no photograph does.
func (a *analysis) warnGuessed(net *models.Network) {
	photo := a.image != "" && !isArray(a.image)
	switch {
	case photo && net.Guessed != net.GuessedSize:
		a.warn(fmt.Sprintf("%s: %s; --preset says another", a.model, net.Guessed))
	case net.GuessedSize != "":
		a.warn(fmt.Sprintf("%s: %s", a.model, net.GuessedSize))
	}
}

// builtInLabels is the name of the labels that --labels has built in. As with photographs, it comes before a file of that
// name, which ./imagenet reaches.
const builtInLabels = "imagenet"

// readLabels reads what --labels names for so many classes.
func (a *analysis) readLabels(classes int) ([]string, error) {
	labels := imagenet.Labels()
	if a.labels != builtInLabels {
		file, err := weights.OpenFile(a.labels)
		if err != nil {
			return nil, fmt.Errorf("--labels: %w; built in is %s", err, builtInLabels)
		}
		defer file.Close()
		if labels, err = models.ReadLabels(file); err != nil {
			return nil, fmt.Errorf("--labels %s: %w", a.labels, err)
		}
	}
	if len(labels) != classes {
		return nil, fmt.Errorf("--labels %s: %d labels for the %d classes of %s", a.labels, len(labels), classes, a.model)
	}
	return labels, nil
}

// begin is what every analysis of a picture does first: the call is checked, then network and picture are opened.
func (a *analysis) begin(ctx context.Context, result any, required bool) (*gonbviz.Lens, *pixel.Prepared, error) {
	if err := a.checkImage(); err != nil {
		return nil, nil, err
	}
	if err := a.check(result, required); err != nil {
		return nil, nil, err
	}
	lens, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	picture, err := a.prepare(lens)
	return lens, picture, err
}

// openPicture opens a picture by its name or file.
func (a *analysis) openPicture(name string) (image.Image, error) {
	if isArray(name) {
		return pixel.OpenArray(name, pixel.Layout(a.layout))
	}
	return gonbviz.Photo(name)
}

// prepare opens the picture as the network's input.
func (a *analysis) prepare(lens *gonbviz.Lens) (*pixel.Prepared, error) {
	picture, err := a.openPicture(a.image)
	if err != nil {
		return nil, err
	}
	a.size = picture.Bounds().Size()
	return lens.Prepare(picture)
}

// write writes a result to the file that --out names, unless the call was interrupted meanwhile.
func (a *analysis) write(ctx context.Context, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return gonbviz.Save(a.out, result)
}

// save writes a result and says what it is, and on which backend it was made.
func (a *analysis) save(command *cobra.Command, result any, running string) error {
	figure, err := gonbviz.FigureOf(result)
	if err != nil {
		return err
	}
	if err := a.write(command.Context(), result); err != nil {
		return err
	}
	out := command.OutOrStdout()
	if a.asJSON {
		return gonbviz.WriteJSON(out, result)
	}
	text := shorten(escape(a.out)+": "+figure.Plain()) + "\n"
	if running != "" {
		text += escape(running) + "\n"
	}
	_, err = io.WriteString(out, text)
	return err
}

// watched is the command's context with its progress shown on standard error: a bar where that is a terminal, and what
// is worth a line of its own.
func watched(command *cobra.Command) (ctx context.Context, end func()) {
	out := progress(command)
	line, end := setup.NewLine(out)
	t := timer{begin: time.Now()}
	ctx = work.With(command.Context(), func(u work.Update) {
		if u.Note != "" && out != nil {
			end()
			fmt.Fprintln(out, u.Note)
		}
		line(bar(u, t.when(u, time.Now())))
		work.Report(command.Context(), u) // whoever else listens
	})
	return ctx, end
}

// timer says how long work takes.
type timer struct {
	begin     time.Time
	compiling bool
	compiled  time.Duration
}

// when is the time that is left, or that it has taken.
func (t *timer) when(u work.Update, now time.Time) string {
	elapsed := now.Sub(t.begin)
	if t.compiling && u.Stage == "" {
		t.compiled = elapsed
	}
	t.compiling = u.Stage != ""
	return picture.Progress{Count: u.Done, Total: u.Total, Stage: u.Stage, Elapsed: elapsed, Compiling: t.compiled}.When()
}

// bar is an update as a line for a terminal.
func bar(u work.Update, when string) string {
	const width = 30
	if u.Total == 0 {
		return strings.TrimSpace(u.Name + " " + u.Stage)
	}
	done := min(width*u.Done/u.Total, width)
	return fmt.Sprintf("%s %s%s %d of %d %s · %s", u.Name, strings.Repeat("█", done), strings.Repeat("░", width-done), u.Done, u.Total, u.Unit, when)
}
