package onnx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/imagenet"
	"github.com/convlens/convlens/models/weights"
)

// Sidecar is what a file NAME.json beside NAME.onnx may say about the network; all of it may be left out. The same
// names as keys of the ONNX file's own metadata mean the same, with values in JSON; there the labels may also be named
// "names" or "classes". The file beside it counts more.
//
//	{"preset": "imagenet", "labels": ["cat", "dog"]}
//	{"preset": "imagenet", "labels": "imagenet"}
type Sidecar struct {
	// Name is shown in captions.
	Name string `json:"name"`
	// Preset is the name of a usual way to feed a network: see models.Presets. What follows changes it.
	Preset string `json:"preset"`
	// Order is "rgb", "bgr" or "gray".
	Order string `json:"order"`
	// Height and Width are in pixels. They matter where the ONNX file leaves them open.
	Height int `json:"height"`
	Width  int `json:"width"`
	// Low and High are the values of black and white before Mean and Deviation.
	Low  *float32 `json:"low"`
	High *float32 `json:"high"`
	// Mean and Deviation have one value a channel, in the channels' order.
	Mean      []float32 `json:"mean"`
	Deviation []float32 `json:"deviation"`
	// Labels names the classes in the order of the outputs. Beside the file their number must be that of the classes; in
	// the metadata, labels of another number are left out.
	Labels Labels `json:"labels"`
	// Accuracy, Licence and Notice are as in models.Network.
	Accuracy string `json:"accuracy"`
	Licence  string `json:"licence"`
	Notice   string `json:"notice"`

	strict bool // the labels come from a file that was written for this network
}

// Labels is a list of labels, or the name of one that is built in: "imagenet" for package imagenet's.
type Labels []string

// UnmarshalJSON reads a list or a name.
func (l *Labels) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, (*[]string)(l)) == nil {
		return nil
	}
	var name string
	if json.Unmarshal(text, &name) != nil || name != builtIn {
		return fmt.Errorf("labels %.20s; they are a list, or %q for those that are built in", text, builtIn)
	}
	*l = imagenet.Labels()
	return nil
}

// builtIn is the name of the labels that are built in.
const builtIn = "imagenet"

// maxSidecar is the size of the largest JSON file that is read.
const maxSidecar = 16 << 20

// SidecarPath is the file that Open reads beside the one at path, where there is one: see Sidecar.
func SidecarPath(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".json" }

// readSidecar reads the JSON file beside the network's; empty where there is none.
func readSidecar(path string) ([]byte, error) {
	path = SidecarPath(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	f, err := weights.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSidecar+1))
	if err == nil && len(text) > maxSidecar {
		err = fmt.Errorf("more than %d MB", maxSidecar>>20)
	}
	var probe Sidecar
	if err == nil {
		err = unmarshal(text, &probe)
	}
	if err == nil && probe.Preset != "" && !slices.Contains(models.Presets(), probe.Preset) {
		_, err = models.Input{}.Preset(probe.Preset) // which says what there is
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return text, nil
}

// unmarshal reads JSON whose every field must be known: a misspelt one would be a wrong input without a word.
func unmarshal(text []byte, into *Sidecar) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// about gathers what the metadata and the file beside it say.
func (f *file) about(beside []byte) (Sidecar, error) {
	var s Sidecar
	for _, key := range []string{"preset", "order", "name", "accuracy", "licence", "notice"} {
		if v, given := f.metadata[key]; given {
			quoted, _ := json.Marshal(map[string]string{key: strings.Trim(v, `"`)})
			if err := json.Unmarshal(quoted, &s); err != nil {
				return s, err
			}
		}
	}
	for _, key := range []string{"height", "width", "low", "high", "mean", "deviation"} {
		if v, given := f.metadata[key]; given {
			if err := json.Unmarshal([]byte(`{"`+key+`":`+v+`}`), &s); err != nil {
				return s, fmt.Errorf("metadata %q is %.40q, which is not JSON of the right kind", key, v)
			}
		}
	}
	for _, key := range []string{"labels", "names", "classes"} {
		if v, given := f.metadata[key]; given && s.Labels == nil {
			s.Labels = labels(v)
		}
	}
	if beside == nil {
		return s, nil
	}
	own := s.Labels
	s.Labels = nil
	if err := unmarshal(beside, &s); err != nil {
		return s, err
	}
	if s.strict = s.Labels != nil; !s.strict {
		s.Labels = own
	}
	return s, nil
}

// pythonEntry is one of a Python dictionary from index to label, as exporters write it: {0: 'cat', 1: 'dog'}.
var pythonEntry = regexp.MustCompile(`(\d+)\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`)

// labels reads a JSON list, a dictionary from index to label, a label a line, or the name of built-in labels; nil for
// anything else.
func labels(text string) []string {
	if strings.Trim(text, `"`) == builtIn {
		return imagenet.Labels()
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		text = regexp.MustCompile(`"(\d+)"\s*:`).ReplaceAllString(text, "$1:")
		for i, m := range pythonEntry.FindAllStringSubmatch(text, -1) {
			if n, err := strconv.Atoi(m[1]); err != nil || n != i {
				return nil
			}
			list = append(list, m[2]+m[3])
		}
		return list
	}
	if lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n"); len(lines) > 1 {
		for _, line := range lines {
			list = append(list, strings.TrimSuffix(line, "\r"))
		}
		return list
	}
	return nil
}

// apply puts what is known and what must be guessed into the network.
func (s Sidecar) apply(net *models.Network, size sizing, classes int) error {
	input := models.Input{Height: size.height, Width: size.width, High: 1}
	if size.channels == 1 {
		input.Order = models.Gray
	}
	if err := s.input(&input, net, size); err != nil {
		return err
	}
	net.Input = input
	if s.strict && len(s.Labels) != classes {
		return fmt.Errorf("%d labels beside the file for its %d classes", len(s.Labels), classes)
	}
	if len(s.Labels) == classes {
		net.Labels = s.Labels
	}
	if s.Name != "" {
		net.Name = s.Name
	}
	net.Accuracy, net.Licence, net.Notice = s.Accuracy, s.Licence, s.Notice
	return net.Check()
}

// input says how a picture becomes the input.
func (s Sidecar) input(input *models.Input, net *models.Network, size sizing) (err error) {
	preset := s.Preset
	if preset == "" && s.Low == nil && s.High == nil && s.Mean == nil && s.Deviation == nil {
		if preset = "imagenet"; input.Order == models.Gray {
			preset = "unit"
		}
		net.Guessed = "the file does not say how to feed it: preset " + preset + " is assumed"
	}
	if preset != "" {
		if *input, err = input.Preset(preset); err != nil {
			return err
		}
	}
	if size.guessed {
		net.GuessedSize = fmt.Sprintf("it leaves the picture's size open: %d×%d is assumed", size.height, size.width)
		net.Guessed = strings.TrimPrefix(net.Guessed+"; "+net.GuessedSize, "; ")
	}
	if s.Order != "" {
		if err := s.reorder(input); err != nil {
			return err
		}
	}
	if s.Low != nil {
		input.Low = *s.Low
	}
	if s.High != nil {
		input.High = *s.High
	}
	if s.Mean != nil {
		input.Mean = s.Mean
	}
	if s.Deviation != nil {
		input.Deviation = s.Deviation
	}
	return nil
}

// reorder sets the order of the channels; a preset's mean and deviation go with their colours.
func (s Sidecar) reorder(input *models.Input) error {
	order, known := map[string]models.ChannelOrder{"rgb": models.RGB, "bgr": models.BGR, "gray": models.Gray}[strings.ToLower(s.Order)]
	if !known || (order == models.Gray) != (input.Order == models.Gray) {
		return fmt.Errorf("channel order %q for %d channels; it is rgb or bgr, or gray for one channel", s.Order, input.Channels())
	}
	if order != input.Order {
		input.Mean, input.Deviation = reversed(input.Mean), reversed(input.Deviation)
	}
	input.Order = order
	return nil
}

// reversed is a list backwards; the one given may be a preset's own.
func reversed(list []float32) []float32 {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
