// Package probe opens a network on a backend and looks inside: its layers, their filters, the maps they answer with.
//
// The network is read from its plain GoMLX function, traced once per batch size; whatever is run is that recording
// built again, with the wanted points as further outputs.
package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
)

// Probe is a network open on a backend. It can be used from several goroutines.
type Probe struct {
	network  *models.Network
	backend  compute.Backend
	recorded *record.Program // for a batch of one; layers point into it
	layers   []*Layer

	mu       sync.Mutex
	traces   map[int]*record.Program
	programs map[string]func() (*Program, error)
	shelf    shelf
}

// Open reads a network and makes it ready to run on a backend. Nothing is compiled yet. A network without weights, or
// with a Logits function that fails, is an error. One with operations that the backend lacks opens, and fails when it
// runs.
//
// While, If, Sort and Call are a layer each, whose inside can't be looked into. Both branches of an If are computed, and
// one is taken.
//
// The values in the network's Store go to the backend that first runs it, so open a network of its own on each.
func Open(backend compute.Backend, network *models.Network) (*Probe, error) {
	if backend == nil || network == nil {
		return nil, errors.New("probe: no backend or no network to open")
	}
	if err := network.Check(); err != nil {
		return nil, err
	}
	recorded, err := record.Trace(network, 1)
	if err != nil {
		return nil, oneLine("probe", err)
	}
	if labels, classes := len(network.Labels), recorded.Logits.Shape().Dimensions[1]; labels != 0 && labels != classes {
		return nil, fmt.Errorf("probe: network %q has %d labels for %d classes", network.Name, labels, classes)
	}
	return &Probe{
		network: network, backend: backend, recorded: recorded, layers: findLayers(recorded),
		traces: map[int]*record.Program{1: recorded}, programs: map[string]func() (*Program, error){},
	}, nil
}

// Network is the network that is open.
func (p *Probe) Network() *models.Network { return p.network }

// Backend runs the network.
func (p *Probe) Backend() compute.Backend { return p.backend }

// BackendName is the backend with its plugin: "xla:cpu", "go".
func (p *Probe) BackendName() string {
	name := p.backend.String()
	rest, found := strings.CutPrefix(p.backend.Description(), name+":")
	if !found {
		return name
	}
	plugin, _, _ := strings.Cut(rest, " - ")
	plugin = strings.TrimPrefix(filepath.Base(plugin), "pjrt_c_api_")
	plugin, _, _ = strings.Cut(plugin, "_plugin")
	return name + ":" + plugin
}

// Vectorised reports whether the backend's result for a picture does not depend on its place in a batch. On the
// pure-Go backend it does, in the last bits, so there pictures go one by one.
func (p *Probe) Vectorised() bool { return p.backend.String() != gobackend.BackendName }

// ActivationBytes is a bound on the memory that one picture takes on its way through the network.
func (p *Probe) ActivationBytes() int64 {
	var sum int64
	for _, n := range p.recorded.Nodes {
		if n.NumOutputs() == 1 && p.recorded.Variable(n) == nil {
			sum += 4 * int64(n.Shape().Size())
		}
	}
	return sum
}

// Classes is the number of logits.
func (p *Probe) Classes() int { return p.recorded.Logits.Shape().Dimensions[1] }

// Layers lists the layers in order of execution.
func (p *Probe) Layers() []Layer {
	list := make([]Layer, len(p.layers))
	for i, l := range p.layers {
		list[i] = *l
	}
	return list
}

// Layer finds a layer by its name. The name of a scope ("fire5") stands for the last layer in it. Where there is none
// the error lists the nearest names.
func (p *Probe) Layer(name string) (Layer, error) {
	l, err := p.find(name)
	if err != nil {
		return Layer{}, err
	}
	return *l, nil
}

func (p *Probe) find(name string) (*Layer, error) {
	var last *Layer
	for _, l := range p.layers {
		if l.Name == name {
			return l, nil
		}
		if strings.HasPrefix(l.Name, name+"/") {
			last = l
		}
	}
	if last != nil && name != "" {
		return last, nil
	}
	return nil, fmt.Errorf("no layer %q in %s; nearest: %s", name, p.network.Name, strings.Join(p.nearest(name), ", "))
}

// nearest are the five names, of layers and of the scopes they lie in, with the least edit distance from name.
func (p *Probe) nearest(name string) []string {
	var names []string
	for _, l := range p.layers {
		names = append(names, l.Name)
		if scope := path.Dir(l.Name); scope != "." && !slices.Contains(names, scope) {
			names = append(names, scope)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return editDistance(name, a) - editDistance(name, b) })
	return names[:min(5, len(names))]
}

// Batches are the batch sizes that programs are compiled for. Another one would change the last bits of every result.
var Batches = []int{1, 2, 4, 8, 16, 32, 64, 128}

// Program is a compiled program around the network.
type Program struct {
	network   string // its name
	exec      *model.Exec
	variables []*model.Variable // that it reads
	shelf     *shelf
	// Compiling is how long building and compiling took.
	Compiling time.Duration

	measure sync.Mutex
	pass    time.Duration
}

// Forward builds the network on pictures, shaped [batch, height, width, channels], and returns its logits.
type Forward func(pictures *graph.Node) *graph.Node

// Program compiles build for a batch size, or returns the program compiled under the same key and batch before. build
// gets the inputs, of the shapes given, and the network to put on any of them.
func (p *Probe) Program(key string, batch int, inputs []shapes.Shape, build func(network Forward, inputs []*graph.Node) []*graph.Node) (*Program, error) {
	return p.Rewrite(key, batch, inputs, func(recorded *record.Program, in []*graph.Node) []*graph.Node {
		return build(func(pictures *graph.Node) *graph.Node {
			made := recorded.Replay(pictures, []*graph.Node{recorded.Logits}, nil)
			return graph.ConvertDType(made[0], dtypes.Float32)
		}, in)
	})
}

// Rewrite compiles build for a batch size, or returns the program compiled under the same key and batch before. build
// gets the inputs, of the shapes given, and the network as recorded for the batch.
func (p *Probe) Rewrite(key string, batch int, inputs []shapes.Shape, build func(recorded *record.Program, in []*graph.Node) []*graph.Node) (*Program, error) {
	recorded, err := p.Recorded(batch)
	if err != nil {
		return nil, err
	}
	key = fmt.Sprint(key, " ", batch, inputs)
	p.mu.Lock()
	compiled := p.programs[key]
	if compiled == nil {
		compiled = sync.OnceValues(func() (*Program, error) { return p.compile(recorded, inputs, build) })
		p.programs[key] = compiled
	}
	p.mu.Unlock()
	program, err := compiled() // outside the lock: several programs are compiled at once
	if err != nil {
		p.mu.Lock()
		delete(p.programs, key) // what failed, for want of memory perhaps, may be tried again
		p.mu.Unlock()
	}
	return program, err
}

func (p *Probe) compile(recorded *record.Program, inputs []shapes.Shape, build func(recorded *record.Program, in []*graph.Node) []*graph.Node) (*Program, error) {
	start := time.Now()
	exec, err := model.NewExec(p.backend, p.network.Store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		return build(recorded, in)
	})
	var g *graph.Graph
	if err == nil {
		g, err = exec.Compile(inputs...)
	}
	if err != nil {
		return nil, oneLine("probe: compiling "+p.network.Name, err)
	}
	program := &Program{network: p.network.Name, exec: exec, shelf: &p.shelf, Compiling: time.Since(start)}
	for v := range p.network.Store.IterVariables() {
		if v.InUseByGraph(g) {
			program.variables = append(program.variables, v)
		}
	}
	return program, nil
}

// Recorded is the network as recorded for a batch size.
func (p *Probe) Recorded(batch int) (*record.Program, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trace(batch)
}

// trace is the network's recording for a batch size, made once. The caller holds the lock.
func (p *Probe) trace(batch int) (*record.Program, error) {
	if made := p.traces[batch]; made != nil {
		return made, nil
	}
	recorded, err := record.Trace(p.network, batch)
	if err != nil {
		return nil, oneLine("probe", err)
	}
	p.traces[batch] = recorded
	return recorded, nil
}

// Mixes reports whether the network brings the pictures of a batch of that size together, as where it subtracts their
// mean: an answer then depends on what else is asked at once, so that pictures must go one by one. It is found where the
// axis of the batch is the first one and is reduced away, and not where pictures are mixed in another way, as by a product
// or after a transpose.
func (p *Probe) Mixes(batch int) bool {
	recorded, err := p.Recorded(batch)
	if err != nil || batch == 1 {
		return false // it is no network for so many pictures, or there is nothing to mix
	}
	of := map[*graph.Node]bool{recorded.Picture: true} // pictures
	for _, n := range recorded.Nodes {
		if slices.ContainsFunc(recorded.Reads(n), func(in *graph.Node) bool { return of[in] }) {
			of[n] = true
		}
		a, ok := recorded.Attributes(n).(record.Reduce)
		if !ok || !of[n] || len(a.Axes) > 0 && !slices.Contains(a.Axes, 0) {
			continue
		}
		if in := n.Inputs()[0]; !in.IsScalar() && in.Shape().Dimensions[0] == batch {
			return true
		}
	}
	return false
}

// Call feeds the program and returns its outputs, which stay on the device until they are read. It looks at ctx before
// it starts; a run under way can't be stopped.
func (p *Program) Call(ctx context.Context, inputs ...*tensors.Tensor) ([]*tensors.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	args := make([]any, len(inputs))
	for i, in := range inputs {
		args[i] = in
	}
	outputs, err := p.exec.Call(args...)
	if err != nil {
		return nil, oneLine("probe", err)
	}
	return outputs, nil
}

// Run is Call for a program with float32 outputs, which it returns as flat values. Values that are not finite are an
// error.
func (p *Program) Run(ctx context.Context, inputs ...*tensors.Tensor) ([][]float32, error) {
	outputs, err := p.Call(ctx, inputs...)
	if err != nil {
		return nil, err
	}
	values := make([][]float32, len(outputs))
	for i, out := range outputs {
		if values[i], err = tensors.CopyFlatData[float32](out); err != nil {
			return nil, oneLine("probe", err)
		}
		out.MustFinalizeAll()
		if !finite(values[i]) {
			return nil, fmt.Errorf("probe: %s answers with numbers that are not finite; check its weights and the picture", p.network)
		}
	}
	return values, nil
}

// picturesShape is the shape of a batch of pictures.
func (p *Probe) picturesShape(batch int) shapes.Shape {
	in := p.network.Input
	return shapes.Make(dtypes.Float32, batch, in.Height, in.Width, in.Channels())
}

// CheckPicture refuses what is no picture for this network: none, one that was prepared for another input, other than
// Input.Height × Input.Width × channels values, or values that are not finite.
func (p *Probe) CheckPicture(picture *pixel.Prepared) error {
	in := p.network.Input
	if picture == nil {
		return errors.New("probe: there is no picture")
	}
	if !picture.Input.Equal(in) {
		return fmt.Errorf("probe: the picture was prepared for another input than that of %s; prepare it with the network's Input", p.network.Name)
	}
	if len(picture.Values) != p.picturesShape(1).Size() {
		return fmt.Errorf("probe: a picture of %d values for an input of %d×%d×%d", len(picture.Values), in.Height, in.Width, in.Channels())
	}
	if !finite(picture.Values) {
		return fmt.Errorf("probe: the picture %s holds values that are not finite numbers", picture.Name)
	}
	return nil
}

// finite reports whether there is a number to all values.
func finite(values []float32) bool {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

// oneLine drops the stack trace and further lines that GoMLX's errors carry when they are printed in full.
func oneLine(prefix string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s: %s", prefix, line)
}

// editDistance is the least number of letters to add, drop or change to make a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
