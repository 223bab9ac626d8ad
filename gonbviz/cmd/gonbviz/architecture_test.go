package main

import (
	"strings"
	"testing"

	"github.com/convlens/convlens/models/weights"
	"github.com/convlens/convlens/models/weights/weightstest"
)

// checkpoint writes a ResNet-18 with random weights and so many classes.
func checkpoint(t *testing.T, list []weights.Tensor, classes int, path string) {
	t.Helper()
	for i := range list {
		if strings.HasPrefix(list[i].Name, "fc.") {
			list[i].Shape[0] = classes
		}
	}
	weightstest.Fill(list)
	weightstest.Write(t, path, list)
}

func TestArchitecture(t *testing.T) {
	list := weightstest.Listing(t, "../../../models/resnet/testdata/resnet18.txt")
	inFolder(t)
	array(t, "photo.npy", make([]float32, 224*224*3), 224, 224, 3)
	checkpoint(t, list, 1000, "w.safetensors")
	answer := document(t, "", "predict --backend go --model resnet18 --weights w.safetensors --image photo.npy --json --top 0")
	if classes := answer["classes"].([]any); len(classes) != 1000 || answer["model"] != "ResNet-18" {
		t.Errorf("%d classes, model %v", len(classes), answer["model"])
	}
	var names []string
	for _, l := range document(t, "", "layers --model resnet18 --weights w.safetensors --json")["layers"].([]any) {
		names = append(names, l.(map[string]any)["name"].(string))
	}
	const want = "conv1 bn1 bn1/relu maxpool layer1/0/conv1 layer1/0/bn1 layer1/0/bn1/relu layer1/0/conv2 layer1/0/bn2 layer1/0/add layer1/0/add/relu "
	if got := strings.Join(names, " "); !strings.HasPrefix(got, want) || !strings.Contains(got, " layer2/0/downsample/0 layer2/0/downsample/1 layer2/0/add ") || !strings.HasSuffix(got, " avgpool fc") {
		t.Errorf("layers %s", got)
	}
	checkpoint(t, list, 3, "three.csv")
	call(t, "layers --model resnet18 --weights three.csv --labels labels.txt")
	fails(t, statusFailed, "3 labels for the 1000 classes", strings.Fields("layers --model resnet18 --weights w.safetensors --labels labels.txt")...)
	fails(t, statusFailed, `three.csv: ResNet-34 needs tensor "layer1.2.conv1.weight"`, strings.Fields("layers --model resnet34 --weights three.csv")...)
	write(t, "four.txt", "a\nb\nc\nd\n")
	fails(t, statusFailed, "--labels four.txt: 4 labels for the 3 classes", strings.Fields("layers --model resnet18 --weights three.csv --labels four.txt")...)
	fails(t, statusFailed, "missing.safetensors", strings.Fields("layers --model vgg16_bn --weights missing.safetensors")...)
	fails(t, statusFailed, "empty.png", strings.Fields("layers --model alexnet --weights empty.png")...)
	fails(t, statusUsage, "three.csv is an input of the same call", strings.Fields("layers --model resnet18 --weights three.csv --out three.csv")...)
	fails(t, statusUsage, "vgg16_bn has no weights of its own; give it --weights", strings.Fields("layers --model vgg16_bn")...)
	fails(t, statusUsage, "squeezenet has its own", strings.Fields("layers --weights three.csv")...)
	fails(t, statusUsage, "resnet152", strings.Fields("layers --model resnet --weights three.csv")...)
}
