package onnx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/onnx/internal/pb"
)

// floatsOf reads a tensor of a test vector.
func floatsOf(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p pb.TensorProto
	if err := proto.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	raw, list := p.RawData, p.FloatData
	for ; len(raw) > 0; raw = raw[4:] {
		list = append(list, bits(raw))
	}
	return list
}

// TestTrainedNetwork runs a network that was trained on its test vector.
func TestTrainedNetwork(t *testing.T) {
	net, err := onnx.Open("testdata/mnist/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if net.Input.Order != models.Gray || net.Input.Height != 28 || net.Name != "model" {
		t.Error(net.Name, net.Input)
	}
	input := tensors.FromFlatDataAndDimensions(floatsOf(t, "testdata/mnist/input_0.pb"), 1, 28, 28, 1)
	want := floatsOf(t, "testdata/mnist/output_0.pb")
	got := tensors.MustCopyFlatData[float32](everything(t, net, input)[""])
	if len(got) != 10 || len(want) != 10 {
		t.Fatal(got, want)
	}
	largest, wide := float32(0), make([]float64, len(want))
	for i, w := range want {
		largest, wide[i] = max(largest, w, -w), float64(w)
	}
	if d := deviation(got, wide, float64(largest)); !(d <= tolerance) {
		t.Errorf("differs by %.2g: %v, want %v", d, got, want)
	}
}

// TestFinalActivation: a softmax or sigmoid at the end is cut, a log-softmax stays, and the tensors hold what the file
// says.
func TestFinalActivation(t *testing.T) {
	for op, cut := range map[string]bool{"Softmax": true, "Sigmoid": true, "LogSoftmax": false, "Relu": false} {
		m := sound()
		m.Graph.Node = append(m.Graph.Node, operation(op, "z", "y"))
		if strings.HasSuffix(op, "oftmax") {
			m.Graph.Node[2].Attribute = []*pb.AttributeProto{{Name: proto.String("axis"), Type: pb.AttributeProto_INT.Enum(), I: proto.Int64(1)}}
		}
		*m.Graph.Output[0].Name = "z"
		copy(m.Graph.Initializer[0].RawData, []byte{0, 0, 0x80, 0xbf}) // −1, so that no operation leaves all as it is
		net, err := onnx.Open(write(t, m))
		if err != nil {
			t.Fatal(err)
		}
		all := everything(t, net, picture(1, net.Input, []int{1, 3, 8, 8}))
		logits := all[""].Value().([][]float32)[0]
		before, after := all["y"].Value().([][][][]float32)[0], all["z"].Value().([][][][]float32)[0]
		if before[0][0][0] == after[0][0][0] {
			t.Fatalf("%s changes nothing", op)
		}
		want := after
		if cut {
			want = before
		}
		if len(logits) != 4 || logits[0] != want[0][0][0] || logits[1] != want[1][0][0] {
			t.Errorf("%s: logits %v, before %v, after %v", op, logits, before, after)
		}
	}
}

func TestVariableNames(t *testing.T) {
	folders := map[string]string{"families": "testdata/families", "exporters": unpacked(t, "exporters")}
	for name, want := range map[string][]string{
		"families/vgg_bn":    {"/features/0/0/weights", "/features/0/0/biases", "/features/0/1/mean", "/classifier/0/weights"},
		"families/keras":     {"/conv2d/weights", "/conv2d_1/weights", "/dense/weights"},
		"families/googlenet": {"/conv1/7x7_s2/weights", "/inception_3a/5x5_reduce/biases", "/loss3/classifier/weights"},
		"families/resnet":    {"/layer2/0/downsample/0/weights", "/layer2/0/downsample/1/variance", "/fc/biases"},
		"families/convnext":  {"/features/1/0/block/2/scale"},
		"exporters/torch_old17-convnext-open": {
			"/features/1/0/block/3/weights", "/features/1/0/block/3/biases", "/features/1/0/layer_scale/value",
		},
		"exporters/torch_new20-convnext-open": {
			"/features/1/0/block/3/weights", "/features/1/0/block/3/biases", "/features/1/0/layer_scale/value",
		},
		"exporters/torch_new20-resnet-open-unfolded": {"/2/downsample/0/weights", "/2/downsample/1/variance", "/6/biases"},
		"exporters/torch_old9-mobilenet_v3-batch1": {
			"/features/1/block/0/0/weights", "/features/1/block/1/fc1/biases", "/classifier/3/weights",
		},
		"exporters/keras-plain-open": {
			"/conv0_1/weights", "/conv1_1/biases", "/predictions_1/weights", "/predictions_1/biases",
		},
		"exporters/tf2onnx13-separable-open-channels_first": {
			"/conv0_1/weights", "/depthwise_1/weights", "/bn1_1/value", "/logits_1/biases",
		},
		"exporters/keras_torch-plain-open": {"/Conv/weights", "/Conv_2/weights", "/MatMul/weights"},
	} {
		net, err := onnx.Open(filepath.Join(folders[filepath.Dir(name)], filepath.Base(name)+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range want {
			counted := strings.HasSuffix(path, "/mean") || strings.HasSuffix(path, "/variance")
			if v := net.Store.GetVariable(path); v == nil || v.Trainable == counted {
				t.Errorf("%s: %s: %v", name, path, v)
			}
		}
	}
}

// about opens the sound network with metadata, and a JSON file beside it.
func about(t *testing.T, metadata map[string]string, beside string) (*models.Network, error) {
	t.Helper()
	m := sound()
	for key, value := range metadata {
		m.MetadataProps = append(m.MetadataProps, &pb.StringStringEntryProto{Key: &key, Value: &value})
	}
	path := write(t, m)
	if beside != "" {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "m.json"), []byte(beside), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return onnx.Open(path)
}

func TestWhatIsKnownOfTheInput(t *testing.T) {
	for _, c := range []struct {
		metadata map[string]string
		beside   string
		want     string // input, labels, and whether it was guessed
	}{
		{nil, "", "{8 8 RGB 0 1 [0.485 0.456 0.406] [0.229 0.224 0.225]} [] true"},
		{map[string]string{"preset": "tf"}, "", "{8 8 RGB -1 1 [] []} [] false"},
		{map[string]string{"mean": "[0.1, 0.2, 0.3]", "order": "bgr"}, "", "{8 8 BGR 0 1 [0.1 0.2 0.3] []} [] false"},
		{map[string]string{"names": "{0: 'a', 1: \"b's\", 2: 'c', 3: 'd'}"}, `{"preset": "raw"}`, "{8 8 RGB 0 255 [] []} [a b's c d] false"},
		{map[string]string{"classes": "a\nb\nc\nd\n", "preset": "tf"}, `{"preset": "unit", "labels": ["1", "2", "3", "4"]}`, "{8 8 RGB 0 1 [] []} [1 2 3 4] false"},
		{map[string]string{"labels": `["of", "another"]`}, `{"low": -2, "high": 2}`, "{8 8 RGB -2 2 [] []} [] false"},
		{map[string]string{"labels": "imagenet"}, `{"preset": "unit"}`, "{8 8 RGB 0 1 [] []} [] false"},
		{nil, `{"preset": "imagenet", "order": "bgr"}`, "{8 8 BGR 0 1 [0.406 0.456 0.485] [0.225 0.224 0.229]} [] false"},
	} {
		net, err := about(t, c.metadata, c.beside)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if got := fmt.Sprint(net.Input, net.Labels, net.Guessed != ""); got != c.want {
			t.Errorf("%v %s: %s, want %s", c.metadata, c.beside, got, c.want)
		}
	}
	for beside, words := range map[string]string{
		`{"presets": "unit"}`:      `unknown field "presets"`,
		`{"preset": "x"}`:          `m.json: unknown preset "x"`,
		`{"order": "gray"}`:        `"gray"`,
		`{"mean": [1]}`:            "1 means",
		`{"labels": ["a"]}`:        "1 labels beside the file for its 4 classes",
		`{"labels": "imagenet"}`:   "1000 labels beside the file for its 4 classes",
		`{"labels": "cifar"}`:      `labels "cifar"`,
		`{"labels": 7}`:            "labels 7; they are a list",
		`{`:                        "m.json",
		`{"low": 1, "high": 1}`:    "black is 1",
		`{"deviation": [1, 0, 1]}`: "deviation of 0",
	} {
		if _, err := about(t, nil, beside); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", beside, err, words)
		}
	}
}

// TestBuiltInLabels: ImageNet's labels are there on request, in the JSON file or in the metadata.
func TestBuiltInLabels(t *testing.T) {
	for metadata, beside := range map[string]string{"": `{"labels": "imagenet"}`, "imagenet": "", `"imagenet"`: ""} {
		m := sound()
		m.Graph.Initializer[0] = floats("w", 1000, 3, 1, 1)
		m.Graph.Output[0] = shaped("y", 1, 1000, 1, 1)
		if metadata != "" {
			m.MetadataProps = []*pb.StringStringEntryProto{{Key: proto.String("classes"), Value: &metadata}}
		}
		path := write(t, m)
		if beside != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "m.json"), []byte(beside), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		net, err := onnx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(net.Labels) != 1000 || net.Labels[335] != "fox squirrel" {
			t.Errorf("%q, %s: %q", metadata, beside, net.Labels)
		}
	}
}

// TestOpenSizes: a size that the file leaves open is one at which the network can be built; the JSON file's counts more.
func TestOpenSizes(t *testing.T) {
	for beside, want := range map[string][]int{"": {224, 224, 3}, `{"height": 20, "width": 24}`: {20, 24, 3}} {
		m := sound()
		m.Graph.Input[0] = shaped("x")
		shape := m.Graph.Input[0].Type.GetTensorType().Shape
		for range 4 {
			shape.Dim = append(shape.Dim, &pb.TensorShapeProto_Dimension{Value: &pb.TensorShapeProto_Dimension_DimParam{DimParam: "n"}})
		}
		path := write(t, m)
		if beside != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "m.json"), []byte(beside), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		net, err := onnx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := []int{net.Input.Height, net.Input.Width, net.Input.Channels()}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v (%s)", beside, got, want, net.Guessed)
		}
		if !strings.HasSuffix(net.Guessed, net.GuessedSize) || strings.Contains(net.GuessedSize, "224×224") != (beside == "") {
			t.Errorf("%s: %q, of the size %q", beside, net.Guessed, net.GuessedSize)
		}
	}
}

// TestBatches: a file made for a batch of one or two answers for any batch, each picture as if it were alone.
func TestBatches(t *testing.T) {
	for _, family := range []string{"alexnet", "googlenet", "shufflenet", "resnext", "keras"} {
		net, err := onnx.Open("testdata/families/" + family + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		shape := []int{3, net.Input.Channels(), net.Input.Height, net.Input.Width}
		three := everything(t, net, picture(3, net.Input, shape))[""].Value().([][]float32)
		one := everything(t, net, picture(1, net.Input, shape))[""].Value().([][]float32)
		if len(three) != 3 || len(one) != 1 {
			t.Fatal(family, three, one)
		}
		for i, w := range one[0] {
			if d := three[0][i] - w; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s: class %d is %v, alone %v", family, i, three[0][i], w)
			}
		}
	}
}

// TestOtherOutputs: a further output, with weights of its own, is no part of the network but can be looked at.
func TestOtherOutputs(t *testing.T) {
	m := sound()
	m.Graph.Initializer = append(m.Graph.Initializer, floats("v", 5, 4, 1, 1))
	m.Graph.Node = append(m.Graph.Node, operation("Conv", "aux", "c", "v"), operation("Resize", "odd", "c"))
	m.Graph.Output = append(m.Graph.Output, shaped("aux", 1, 5, 6, 6), shaped("odd", 1, 4, 6, 6))
	net, err := onnx.Open(write(t, m))
	if err != nil {
		t.Fatal(err)
	}
	all := everything(t, net, picture(1, net.Input, []int{1, 3, 8, 8}))
	if all["aux"] == nil || !slices.Equal(all["aux"].Shape().Dimensions, []int{1, 5, 6, 6}) || all["odd"] != nil {
		t.Error(all)
	}
}
