package gonbviz

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"golang.org/x/sys/cpu"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/cache"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
)

// NoCacheEnv is the environment variable that, set to anything, has a Lens opened from then on compute all anew and
// keep nothing.
const NoCacheEnv = "CONVLENS_NO_CACHE"

// results are the results on disk of a network on its backend.
type results struct {
	probe *probe.Probe
	cache *cache.Cache
	// machine is what of code, backend and machine decides about a result.
	machine string
}

// openResults finds the results on disk; nil where none are kept: by the user's will, or because it can't be told what
// code runs here.
func openResults(p *probe.Probe, choice plugin.Choice) *results {
	if os.Getenv(NoCacheEnv) != "" {
		return nil
	}
	home, err := plugin.Home()
	if err != nil {
		return nil
	}
	code, knownCode := codeIdentity()
	runs, knownBackend := backendIdentity(p.Backend(), choice)
	if !knownCode || !knownBackend {
		return nil
	}
	return &results{p, cache.In(home), code + runs}
}

// computing are the modules, beside ours, whose code takes part in what our packages compute.
var computing = []string{
	"github.com/bep/imagemeta", "github.com/go-logr/logr", "github.com/gofrs/flock", "github.com/gomlx/compute",
	"github.com/gomlx/go-xla", "github.com/gomlx/gomlx", "github.com/pkg/errors", "golang.org/x/exp", "golang.org/x/image",
	"golang.org/x/sys", "golang.org/x/term", "golang.org/x/text", "google.golang.org/protobuf", "k8s.io/klog/v2",
}

// codeIdentity is the code that computes: the text of our packages, the versions of others, and the settings that they
// were compiled with. It is not known where another module is replaced by a folder, or nothing was noted when the
// program was built. It leaves out the main package: a notebook makes a new one of each cell.
var codeIdentity = sync.OnceValues(func() (string, bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	text := cache.NewDigest()
	text.AddText("go", runtime.Version()+" "+runtime.GOOS+" "+runtime.GOARCH)
	err := errors.Join(addSource(text, "gonbviz", source), addSource(text, "models", models.Source))
	for _, m := range info.Deps {
		if !slices.Contains(computing, m.Path) {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Sum == "" {
			return "", false
		}
		text.AddText(m.Path, m.Version+" "+m.Sum)
	}
	for _, s := range info.Settings {
		if !strings.HasPrefix(s.Key, "vcs") { // of the main module, which may be anyone's
			text.AddText(s.Key, s.Value)
		}
	}
	key := text.Key()
	return hex.EncodeToString(key[:]), err == nil
})

// addSource adds the text of a folder's files, tests left out.
func addSource(text *cache.Digest, folder string, files embed.FS) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := files.ReadFile(path)
		text.Add(folder+"/"+path, data)
		return err
	})
}

// backendIdentity is the backend with its options and its plugin, and the machine that it runs on: other processors
// round differently. A backend that someone else wrote is not known.
func backendIdentity(backend compute.Backend, choice plugin.Choice) (string, bool) {
	if !choice.XLA && backend.String() != gobackend.BackendName {
		return "", false
	}
	id := fmt.Sprintf("%q %q %d %d %+v %+v", choice.Config, backend.Description(), runtime.NumCPU(), runtime.GOMAXPROCS(0), cpu.X86, cpu.ARM64)
	for n := range compute.DeviceNum(backend.NumDevices()) {
		id += fmt.Sprintf(" %q", backend.DeviceDescription(n))
	}
	if choice.XLA {
		// Reading all of a plugin takes longer than many an analysis; one that is installed anew has another time.
		file, err := os.Stat(choice.Plugin)
		if err != nil {
			return "", false
		}
		id += fmt.Sprintf(" %d %d", file.Size(), file.ModTime().UnixNano())
	}
	var steering []string
	for _, variable := range os.Environ() {
		if slices.ContainsFunc(steer, func(prefix string) bool { return strings.HasPrefix(variable, prefix) }) {
			steering = append(steering, variable)
		}
	}
	slices.Sort(steering)
	return fmt.Sprintf("%s %q", id, steering), true
}

// steer begins the names of environment variables that XLA and the libraries in it obey.
var steer = []string{"XLA_", "TF_", "NVIDIA_", "CUDA_", "OMP_", "MKL_", "DNNL_", "ONEDNN_"}

// analysis is what remembered must know of a piece of work whose result R is kept as S.
type analysis[R, S any] struct {
	// name is shown where the work itself reported none.
	name string
	// batch is how many pictures the network is run on at once.
	batch int
	// options are all settings, as plain data.
	options string
	run     func(context.Context) (R, error)
	// pack is what is kept of a result, with words that describe it; unpack makes the result of it again.
	pack   func(R) (S, string)
	unpack func(S) (R, error)
}

// kept is what lies on disk.
type kept[S any] struct {
	Result S
	// Name, Total and Unit are those of the last progress that the work reported, Took is how long it was.
	Name  string
	Total int
	Unit  string
	Took  time.Duration
}

// remembered does work, or returns what the same work once gave.
func remembered[R, S any](ctx context.Context, l *Lens, picture *pixel.Prepared, a analysis[R, S]) (R, error) {
	if l.results == nil || l.results.probe != l.Probe { // the field is anyone's to set
		return a.run(ctx)
	}
	key, err := l.key(picture, a.name, a.batch, a.options)
	if err != nil {
		return a.run(ctx)
	}
	var old kept[S]
	if l.results.cache.Get(key, &old) {
		if result, err := a.unpack(old.Result); err == nil {
			progress.Report(ctx, progress.Update{Name: old.Name, Done: old.Total, Total: old.Total, Unit: old.Unit, Cached: true, Took: old.Took})
			return result, nil
		}
	}
	last := progress.Update{Name: a.name}
	start := time.Now()
	result, err := a.run(progress.With(ctx, func(u progress.Update) {
		last = u
		progress.Report(ctx, u)
	}))
	if err != nil {
		return result, err
	}
	took := time.Since(start)
	// Weights that another goroutine changed meanwhile would have made a result that belongs to neither.
	if after, err := l.key(picture, a.name, a.batch, a.options); err == nil && after == key {
		what, words := a.pack(result)
		// A result that can't be kept is none the worse; gonbviz cache says when that is so.
		l.results.cache.Put(key, words, kept[S]{what, last.Name, last.Total, last.Unit, took})
	}
	return result, nil
}

// key is the digest of all that makes a result.
func (l *Lens) key(picture *pixel.Prepared, name string, batch int, options string) (cache.Key, error) {
	network, err := l.Fingerprint(batch)
	if err != nil {
		return cache.Key{}, err
	}
	d := cache.NewDigest()
	d.AddText("machine", l.results.machine)
	d.Add("network", network[:])
	d.AddFloats("picture", picture.Values)
	d.AddText("analysis", name)
	d.AddText("options", options)
	return d.Key(), nil
}

// ours are the packages whose types are plain settings, used by code that codeIdentity knows.
var ours = []string{modulePath + "/gonbviz/attrib", modulePath + "/gonbviz/field", modulePath + "/gonbviz/probe", "image"}

// attribute is what Explain does. A method that was written elsewhere, in a cell perhaps, is always run: nothing tells
// when its code changes.
func (l *Lens) attribute(ctx context.Context, picture *pixel.Prepared, method attrib.Method) (*attrib.Attribution, error) {
	method, err := itself(method)
	if err != nil {
		return nil, err
	}
	run := func(method attrib.Method) func(context.Context) (*attrib.Attribution, error) {
		return func(ctx context.Context) (*attrib.Attribution, error) { return method.Attribute(ctx, l.Probe, picture) }
	}
	settled, batch, options, ok := l.settle(method)
	if !ok {
		return run(method)(ctx)
	}
	return remembered(ctx, l, picture, analysis[*attrib.Attribution, attrib.Attribution]{
		name: "attribution", batch: batch, options: options, run: run(settled),
		pack: func(a *attrib.Attribution) (attrib.Attribution, string) {
			plain := *a
			plain.Picture = nil // the one at hand is the same
			words := []string{a.Method, a.Network, picture.Name, fmt.Sprintf("“%s” by %s", a.Label, a.Score.Words())}
			for _, o := range a.Options {
				words = append(words, o.Name+" "+o.Value)
			}
			return plain, described(words...)
		},
		unpack: func(plain attrib.Attribution) (*attrib.Attribution, error) {
			plain.Picture, plain.Cached = picture, true
			plain.Guessed, plain.Notice = l.Network().Guessed, l.Network().Notice
			return &plain, nil
		},
	})
}

// settle is a method with all of its settings chosen and described; ok is false where its results are not to be kept.
func (l *Lens) settle(method attrib.Method) (settled attrib.Method, batch int, options string, ok bool) {
	// A type of someone else's may have Settled from a method of ours that is embedded in it.
	if _, plain := cache.Describe(method, ours...); !plain {
		return nil, 0, "", false
	}
	reproducible, ok := method.(attrib.Reproducible)
	if !ok {
		return nil, 0, "", false
	}
	settled, batch, err := reproducible.Settled(l.Probe)
	if err != nil { // which the method itself will say
		return nil, 0, "", false
	}
	options, ok = cache.Describe(settled, ours...)
	return settled, batch, options, ok
}

func (l *Lens) classify(ctx context.Context, picture *pixel.Prepared) (*probe.Answer, error) {
	return remembered(ctx, l, picture, analysis[*probe.Answer, []float32]{
		name: "Classes", batch: 1,
		run: func(ctx context.Context) (*probe.Answer, error) { return l.Probe.Classify(ctx, picture) },
		pack: func(a *probe.Answer) ([]float32, string) {
			return a.Logits, described("classes", a.Network, picture.Name)
		},
		unpack: func(logits []float32) (*probe.Answer, error) { return l.Probe.Answer(picture, logits), nil },
	})
}

func (l *Lens) maps(ctx context.Context, picture *pixel.Prepared, m probe.Maps) (*probe.MapSet, error) {
	if slices.ContainsFunc(m.Layers, l.IsTensor) { // of which the fingerprint does not tell
		return l.Probe.Maps(ctx, picture, m)
	}
	options, _ := cache.Describe(m, ours...) // which are plain data
	return remembered(ctx, l, picture, analysis[*probe.MapSet, []probe.LayerMaps]{
		name: "Activation maps", batch: 1, options: options,
		run: func(ctx context.Context) (*probe.MapSet, error) { return l.Probe.Maps(ctx, picture, m) },
		pack: func(set *probe.MapSet) ([]probe.LayerMaps, string) {
			plain := slices.Clone(set.Layers)
			for i := range plain {
				plain[i].Layer = probe.Layer{Name: plain[i].Layer.Name} // the rest is the network's own
			}
			return plain, described("activation maps", set.Network, picture.Name, strings.Join(m.Layers, ", "))
		},
		unpack: func(layers []probe.LayerMaps) (*probe.MapSet, error) {
			for i := range layers {
				var err error
				if layers[i].Layer, err = l.Layer(layers[i].Layer.Name); err != nil {
					return nil, err
				}
			}
			net := l.Network()
			return &probe.MapSet{
				Maps: m, Network: net.Name, Guessed: net.Guessed, Notice: net.Notice, Backend: l.BackendName(), Picture: picture, Layers: layers,
			}, nil
		},
	})
}

// described joins what there is of words.
func described(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " · ")
}
