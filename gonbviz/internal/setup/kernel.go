package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// kernelName is the kernel's in our own environment. Notebooks written elsewhere on GoNB have the same.
const kernelName = "gonb"

type kernelSpec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env"`
}

func (s site) kernelFile() string {
	return filepath.Join(s.jupyter, "share", "jupyter", "kernels", kernelName, "kernel.json")
}

// kernelText is the kernel's registration. It lies in our environment, so a gonb kernel of the user's stays as it is.
func (s site) kernelText() []byte {
	text, err := json.MarshalIndent(kernelSpec{
		Argv: []string{
			filepath.Join(s.toolsBin(), "gonb"), "--kernel", "{connection_file}",
			// GoNB's log is for its makers; Jupyter would show it on the terminal.
			"--logtostderr=false", "--log_file=" + os.DevNull, "--stderrthreshold=FATAL",
		},
		DisplayName:   "Go (gonb)",
		Language:      "go",
		InterruptMode: "message",
		Env: map[string]string{
			// Jupyter puts its own PATH in, on which the go command lies.
			"PATH": literal(s.toolsBin()) + string(os.PathListSeparator) + "${PATH}",
			// A cell looks for what was installed where it was installed.
			plugin.HomeEnv:          literal(s.home),
			"GOMLX_NO_AUTO_INSTALL": "1",
			"TF_CPP_MIN_LOG_LEVEL":  "3",
			"GOWORK":                "", // a workspace of the user's does not hold the cells' module
		},
	}, "", " ")
	if err != nil {
		panic(err) // strings can't fail
	}
	return append(text, '\n')
}

// literal keeps Jupyter from filling in a variable where a path holds a dollar sign.
func literal(path string) string { return strings.ReplaceAll(path, "$", "$$") }

// settingsText switches off what JupyterLab would ask, or ask for on the web, at its first start.
const settingsText = `{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
`

func (s site) settingsFile() string {
	return filepath.Join(s.jupyter, "share", "jupyter", "lab", "settings", "overrides.json")
}

func (s site) kernelInstalled() bool {
	kernel, err := os.ReadFile(s.kernelFile())
	settings, otherErr := os.ReadFile(s.settingsFile())
	return err == nil && otherErr == nil && bytes.Equal(kernel, s.kernelText()) && string(settings) == settingsText
}

func (s site) installKernel() error {
	return errors.Join(writeFile(s.kernelFile(), s.kernelText()), writeFile(s.settingsFile(), []byte(settingsText)))
}
