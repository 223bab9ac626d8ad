package gonbviz_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/convlens/convlens/"
	gomlx  = "github.com/gomlx/"
)

// arrows are the packages of this module that each may import. A package that is not listed may import none; commands,
// notebooks and what only tests use are left out.
var arrows = map[string][]string{
	"models":                          {},
	"models/weights":                  {},
	"models/filterbank":               {"models", "models/weights"},
	"models/lenet":                    {"models", "models/weights"},
	"models/imagenet":                 {}, // text alone
	"models/weights/weightstest":      nil,
	"models/internal/torch":           {"models", "models/imagenet", "models/weights"},
	"models/internal/torch/torchtest": nil,
	"models/alexnet":                  {"models", "models/internal/torch"},
	"models/vgg":                      {"models", "models/internal/torch"},
	"models/resnet":                   {"models", "models/internal/torch"},
	"models/onnx":                     {"models", "models/imagenet", "models/onnx/internal/pb", "models/weights"},
	"models/onnx/internal/pb":         {},
	"models/squeezenet":               {"models", "models/imagenet", "models/weights"},
	"gonbviz/photos":                  {},
	"gonbviz/field":                   {},
	"gonbviz/progress":                {},
	"gonbviz/scale":                   {"gonbviz/field"},
	"gonbviz/pixel":                   {"models", "models/weights", "gonbviz/field"},
	"gonbviz/picture":                 {"gonbviz/field", "gonbviz/scale"},
	"gonbviz/internal/record":         {"models"},
	"gonbviz/internal/windowed":       {"gonbviz/internal/record", "gonbviz/internal/windowed/plan"},
	"gonbviz/internal/windowed/plan":  {},
	"gonbviz/probe":                   {"models", "gonbviz/pixel", "gonbviz/field", "gonbviz/internal/record"},
	"gonbviz/attrib": {
		"models", "gonbviz/field", "gonbviz/internal/record", "gonbviz/internal/windowed", "gonbviz/internal/windowed/plan",
		"gonbviz/pixel", "gonbviz/probe", "gonbviz/progress",
	},
	"gonbviz/units":    {"gonbviz/probe"},
	"gonbviz/notebook": {"gonbviz/picture", "gonbviz/progress"},
	"gonbviz/watch": {
		"models", "gonbviz/field", "gonbviz/notebook", "gonbviz/picture", "gonbviz/pixel", "gonbviz/probe", "gonbviz/scale",
	},
	"gonbviz/internal/cache":             {},
	"gonbviz/internal/quiet":             {},
	"gonbviz/internal/plugin":            {"gonbviz/internal/quiet"},
	"gonbviz/internal/setup":             {"gonbviz/internal/plugin"},
	"gonbviz/internal/peers":             nil,
	"gonbviz/internal/testbackend":       nil,
	"gonbviz/internal/testnet":           nil,
	"gonbviz/internal/setup/browsertest": nil,
	"gonbviz": {
		"models", "models/weights", "gonbviz/attrib", "gonbviz/field", "gonbviz/internal/cache", "gonbviz/internal/plugin", "gonbviz/notebook", "gonbviz/photos",
		"gonbviz/picture", "gonbviz/pixel", "gonbviz/probe", "gonbviz/progress", "gonbviz/scale", "gonbviz/units",
	},
}

// withoutGoMLX must build, and be tested, without a backend.
var withoutGoMLX = []string{"gonbviz/internal/cache", "gonbviz/internal/windowed/plan", "gonbviz/photos", "gonbviz/field", "gonbviz/progress", "gonbviz/scale", "gonbviz/picture", "gonbviz/notebook"}

// TestArrows fails on an import that the architecture doesn't have.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], module)
		allowed, listed := arrows[name]
		if strings.HasPrefix(name, "gonbviz/cmd/") || strings.HasPrefix(name, "notebooks") || listed && allowed == nil {
			continue
		}
		if !listed {
			t.Errorf("package %s is not in the list of arrows", name)
		}
		for _, imported := range words[1:] {
			ours, isOurs := strings.CutPrefix(imported, module)
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", name, ours)
			}
			if slices.Contains(withoutGoMLX, name) && strings.HasPrefix(imported, gomlx) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}
