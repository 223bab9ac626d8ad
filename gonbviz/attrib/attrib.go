// Package attrib says which pixels of a picture a network's answer rests on.
//
// In every attribution a positive value supports the class.
package attrib

import (
	"context"
	"math"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// Method is a way to attribute an answer to pixels. Its zero value is a sensible default; one written elsewhere is as
// good as those in this package.
type Method interface {
	// Attribute explains the network's answer to a picture that was prepared for its input. It stops with ctx's error
	// soon after ctx is cancelled, and reports on its progress by way of ctx (package progress).
	Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error)
}

// Score is the number that stands for a class.
type Score string

// The scores. An empty Score is Probability.
const (
	// Probability is the softmax over the classes, or the sigmoid where there is one: 0 to 1.
	Probability Score = "probability"
	// Logit is the network's own number, before a softmax or sigmoid: of any size.
	Logit Score = "logit"
	// LogProbability is the natural logarithm of the probability: 0 or less.
	LogProbability Score = "logprob"
	// Margin is the logit less the largest other one: above 0 where the class is the best. Of a single class it is the logit.
	Margin Score = "margin"
)

// The scores of what is no class; a method has them by its settings, and they can't be asked for.
const (
	// Activation is a unit's value.
	Activation Score = "activation"
	// Measured is what a function of the caller's makes of the logits.
	Measured Score = "measure"
)

// Words is the score's name in captions: "log probability".
func (s Score) Words() string {
	switch s {
	case LogProbability:
		return "log probability"
	case Measured:
		return "own measure"
	}
	return string(s)
}

// of is the score of a class, of which probabilities are all the classes'.
func (s Score) of(class int, logits []float32, probabilities []float64) float64 {
	switch s {
	case Logit:
		return float64(logits[class])
	case LogProbability:
		return logProbability(class, logits)
	case Margin:
		return margin(class, logits)
	}
	return probabilities[class]
}

func margin(class int, logits []float32) float64 {
	if len(logits) == 1 {
		return float64(logits[0])
	}
	other := math.Inf(-1)
	for i, l := range logits {
		if i != class {
			other = max(other, float64(l))
		}
	}
	return float64(logits[class]) - other
}

// logProbability is the logarithm of a class's softmax, or of the sigmoid of a single logit, finite and exact even where
// the probability is too small, or too near to 1, for a float64.
func logProbability(class int, logits []float32) float64 {
	if len(logits) == 1 {
		x := float64(logits[0])
		return min(x, 0) - math.Log1p(math.Exp(-math.Abs(x)))
	}
	best, others := probe.Best(logits), 0.0
	for i, l := range logits {
		if i != best {
			others += math.Exp(float64(l) - float64(logits[best]))
		}
	}
	return float64(logits[class]) - float64(logits[best]) - math.Log1p(others)
}

// Option is one of a method's settings, in the command line's words.
type Option struct{ Name, Value string }

// Attribution is what a method found, with all that made it.
type Attribution struct {
	// Method is the method's name: "occlusion".
	Method string
	// Options are the settings with defaults filled in, in the command line's order.
	Options []Option
	// Network and Backend that answered.
	Network, Backend string
	// Guessed says what about the network's input was assumed, and Notice what must be seen beside its results; each is
	// empty where there is nothing to say.
	Guessed, Notice string
	// Picture is what was shown to the network.
	Picture *pixel.Prepared
	// Class that was explained, and its Label.
	Class int
	Label string
	// Score is the number that was explained, of which all values are differences.
	Score Score
	// Clean is the score of the picture as it is.
	Clean float64
	// CleanProbability is the probability of the class for the picture as it is.
	CleanProbability float64
	// Map has the size of the network's input, in units of the score; nil where the method was asked for none.
	Map *field.Plane
	// Error is the standard error of Map, pixel by pixel, where that is an estimate; nil where it is exact.
	Error *field.Plane
	// Grid is set by methods that ask the network at positions.
	Grid *Grid
	// Channels is set by methods that look for channels instead of pixels.
	Channels *Channels
	// Batch is the number of pictures that were run at once.
	Batch int
	// Engine is the way in which positions were computed, Full or Incremental; empty where a method knows only one.
	Engine Exact
	// Seed made all that is random.
	Seed uint64
	// Seconds from the picture and network in memory to the map in memory, of which CompileSeconds went into compiling.
	Seconds, CompileSeconds float64
	// Cached says that this was computed earlier and kept; Seconds, CompileSeconds and PeakMemory tell of then.
	Cached bool
	// PeakMemory is the most memory that the process has held since it began, in bytes; 0 where the system doesn't say.
	PeakMemory int64
}

// classOf is the class of a name; −1, which stands for the best one, where there is none.
func classOf(network *probe.Probe, name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	class, err := network.Class(name)
	if err != nil {
		err = &SettingError{"class", err.Error()}
	}
	return class, err
}

// check fills in what an empty Score stands for, and refuses unknown ones.
func (s Score) check() (Score, error) {
	switch s {
	case "":
		return Probability, nil
	case Probability, Logit, LogProbability, Margin:
		return s, nil
	}
	return s, wrong("score", "unknown score %q; there are probability, logit, logprob and margin", s)
}
