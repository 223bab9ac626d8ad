package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/onnx"
)

// server is this library's side: a process that measures one network, asked as the peers are.
type server struct {
	folder   string
	pictures []float32 // channels last
	probe    *probe.Probe
	programs map[int]*fed
}

// fed is a compiled program with its pictures.
type fed struct {
	program  *probe.Program
	pictures *tensors.Tensor
}

// serve answers requests from in, a JSON object a line, until it ends.
func serve(ctx context.Context, folder string, in io.Reader, out io.Writer) error {
	pictures, err := readPictures(folder)
	if err != nil {
		return err
	}
	s := &server{folder: folder, pictures: pictures, programs: map[int]*fed{}}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := s.answer(ctx, q)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func (s *server) answer(ctx context.Context, q request) (answer, error) {
	switch q.Do {
	case "open":
		return s.open(q.Network)
	case "forward":
		return s.forward(ctx, q)
	case "occlusion":
		return s.occlusion(ctx, q)
	case "profile":
		return s.profile(ctx, q)
	case "windows":
		return s.windows(ctx, q)
	}
	return answer{}, fmt.Errorf("unknown request %q", q.Do)
}

func (s *server) open(name string) (answer, error) {
	start := time.Now()
	backend, _, err := plugin.Open("")
	if err != nil {
		return answer{}, err
	}
	network, err := onnx.Open(filepath.Join(s.folder, name+".onnx"))
	if err != nil {
		return answer{}, err
	}
	s.probe, err = probe.Open(backend, network)
	if err != nil {
		return answer{}, err
	}
	return answer{Version: s.probe.BackendName(), Seconds: []float64{time.Since(start).Seconds()}}, nil
}

// program compiles the network for a batch and runs it once.
func (s *server) program(ctx context.Context, batch int) (*fed, error) {
	if made := s.programs[batch]; made != nil {
		return made, nil
	}
	shape := shapes.Make(dtypes.Float32, batch, size, size, 3)
	program, err := s.probe.Program("forward", batch, []shapes.Shape{shape}, func(network probe.Forward, in []*graph.Node) []*graph.Node {
		return []*graph.Node{network(in[0])}
	})
	if err != nil {
		return nil, err
	}
	f := &fed{program, tensors.FromFlatDataAndDimensions(s.pictures[:shape.Size()], shape.Dimensions...)}
	if _, err := f.program.Run(ctx, f.pictures); err != nil {
		return nil, err
	}
	s.programs[batch] = f
	return f, nil
}

func (s *server) forward(ctx context.Context, q request) (answer, error) {
	f, err := s.program(ctx, q.Batch)
	if err != nil {
		return answer{}, err
	}
	var a answer
	for range q.Runs {
		start := time.Now()
		out, err := f.program.Run(ctx, f.pictures)
		if err != nil {
			return answer{}, err
		}
		a.Seconds = append(a.Seconds, time.Since(start).Seconds())
		if q.Logits {
			a.Values = out[0]
		}
	}
	return a, nil
}

func (s *server) occlusion(ctx context.Context, q request) (answer, error) {
	o := attrib.Occlusion{
		Window: attrib.Pixels(q.Window), Stride: attrib.Pixels(q.Stride), Batch: q.Batch, Exact: attrib.Exact(q.Exact),
	}
	start := time.Now()
	a, err := s.attribute(ctx, o)
	if err != nil {
		return answer{}, err
	}
	seconds := time.Since(start).Seconds()
	found := answer{
		Seconds: []float64{seconds}, Positions: len(a.Grid.Windows), Batch: a.Batch, Peak: a.PeakMemory, Values: a.Map.Values,
		Note: string(a.Engine), Compiling: a.CompileSeconds,
	}
	if o.Exact == attrib.Incremental {
		found.Ratio, err = staticRatio(s.probe, a.Grid.Windows)
	}
	return found, err
}

// attribute runs an occlusion with zeros, scored by a logit, on the first picture.
func (s *server) attribute(ctx context.Context, o attrib.Occlusion) (*attrib.Attribution, error) {
	o.Fill, o.Score = attrib.Zero, attrib.Logit
	return o.Attribute(ctx, s.probe, &pixel.Prepared{Values: s.pictures[:size*size*3], Input: s.probe.Network().Input})
}

// readPictures reads the pictures that all get, and puts their channels last.
func readPictures(folder string) ([]float32, error) {
	path := filepath.Join(folder, "pictures.f32")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	const area = size * size
	if len(data) != 4*pictures*3*area {
		return nil, fmt.Errorf("%s holds %d bytes", path, len(data))
	}
	values := make([]float32, len(data)/4)
	for i := range values {
		picture, channel, pixel := i/(3*area), i/area%3, i%area
		values[(picture*area+pixel)*3+channel] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values, nil
}
