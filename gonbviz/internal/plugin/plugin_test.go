package plugin

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// alone shuts out every plugin that the machine may have, and gives the folder that stands for ours.
func alone(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv(HomeEnv, home)
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", "")
	t.Setenv(compute.ConfigEnvVar, "")
	dir := filepath.Join(home, "xla")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"/a/pjrt_c_api_cpu_plugin.so":         "cpu",
		"/a/pjrt_c_api_cpu_v0.98.0_plugin.so": "cpu_v0.98.0",
		"/a/pjrt-plugin-tpu.dylib":            "tpu",
		"/cuda/libpjrt_cpu.so":                "",
	} {
		if got := Name(path); got != want {
			t.Errorf("Name(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestRank(t *testing.T) {
	paths := []string{
		"/a/pjrt_c_api_metal_plugin.so", "/a/pjrt_c_api_cpu_v2_plugin.so", "/b/pjrt_c_api_cpu_plugin.so",
		"/b/pjrt_c_api_cpufast_plugin.so", "/b/other.so",
	}
	for name, want := range map[string]string{
		"cpu": "/a/pjrt_c_api_cpu_v2_plugin.so /b/pjrt_c_api_cpu_plugin.so",
		"tpu": "",
	} {
		if got := strings.Join(rank(paths, name), " "); got != want {
			t.Errorf("rank for %q: %s, want %s", name, got, want)
		}
	}
	if got := rank(paths, ""); len(got) != 4 || got[0] != paths[1] || got[2] != paths[0] {
		t.Errorf("rank for any: %v", got)
	}
}

func TestOpenGo(t *testing.T) {
	alone(t)
	t.Setenv(compute.ConfigEnvVar, "go")
	backend, choice, err := Open("")
	if err != nil || fmt.Sprint(backend) != "go" || choice.XLA || !strings.Contains(choice.Line, Cost) {
		t.Errorf("GOMLX_BACKEND=go: %v, %+v, %v", backend, choice, err)
	}
}

func TestOpenWithoutPlugin(t *testing.T) {
	alone(t)
	if systemPlugin("") != "" {
		t.Skip("the system's library folders hold a plugin, which can't be shut out")
	}
	backend, choice, err := Open("")
	if err != nil || fmt.Sprint(backend) != "go" || strings.Contains(choice.Line, "\n") {
		t.Fatalf("got %v, %+v, %v", backend, choice, err)
	}
	if _, _, err := Open("xla:cpu"); err == nil || Missing == "" && !strings.Contains(err.Error(), "gonbviz setup") {
		t.Errorf("xla:cpu without a plugin: %v", err)
	}
}

func TestOpenWrong(t *testing.T) {
	dir := alone(t)
	for _, config := range []string{
		"nonsense", "xla:" + filepath.Join(dir, "none.so"), "xla:" + dir, "xla:" + write(t, filepath.Join(dir, "e.so"), ""),
	} {
		_, _, err := Open(config)
		if err == nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("Open(%q): %v", config, err)
		}
	}
}

// The error names the variable where nothing else asked for the backend, and what to ask for instead.
func TestOpenWrongWords(t *testing.T) {
	alone(t)
	for config, words := range map[string]string{
		"nonsense": `backend "nonsense" is not known; there are go`,
		"go:foo":   "ops_parallel, dependency_order, creation_order",
	} {
		_, _, err := Open(config)
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "hlo") || strings.Contains(err.Error(), "see code") {
			t.Errorf("Open(%q): %v", config, err)
		}
		t.Setenv(compute.ConfigEnvVar, config)
		if _, _, env := Open(""); env == nil || env.Error() != compute.ConfigEnvVar+": "+err.Error() {
			t.Errorf("by the environment: %v", env)
		}
	}
	if _, _, err := Open("xla:foo"); Missing == "" && (err == nil || !strings.Contains(err.Error(), "--backend go")) {
		t.Errorf("another plugin: %v", err)
	}
}

// A damaged file must never reach the loader, which would end the process.
func TestOpenDamaged(t *testing.T) {
	if Missing != "" || runtime.GOOS != "linux" {
		t.Skip("files are looked into where XLA is built in, on Linux")
	}
	dir := alone(t)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"text":      "no library",
		"cut short": string(self[:len(self)/2]),
		"program":   string(self),
	} {
		path := write(t, filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"), text)
		for _, config := range []string{"", "xla", "xla:cpu", "xla:" + path} {
			_, _, err := Open(config)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), mend) {
				t.Errorf("%s, Open(%q): %v", what, config, err)
			}
		}
	}
}

// installed gives the plugin that this machine has, or ends the test.
func installed(t *testing.T) string {
	t.Helper()
	path, err := Find("cpu")
	if Missing == "" && err == nil && path != "" {
		return path
	}
	reason := "no XLA plugin for the CPU is installed (gonbviz setup gets one)"
	if os.Getenv("CONVLENS_REQUIRE") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

func TestOpenFromOwnFolder(t *testing.T) {
	path := installed(t)
	dir := alone(t)
	own := filepath.Join(dir, "pjrt_c_api_cpu_plugin.so")
	if err := os.Symlink(path, own); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pjrt_c_api_cpu_v9_plugin.so"), "damaged, but not the only one")
	for _, config := range []string{"", "xla", "xla:cpu", "stablehlo:,noshared_buffers"} {
		backend, choice, err := Open(config)
		if err != nil || fmt.Sprint(backend) != "xla" || choice.Plugin != own {
			t.Fatalf("Open(%q): %v, %+v, %v", config, backend, choice, err)
		}
		shared := !strings.Contains(config, "noshared")
		if got := backend.(interface{ HasSharedBuffers() bool }).HasSharedBuffers(); got != shared {
			t.Errorf("Open(%q): shared buffers %v", config, got)
		}
	}
	if _, _, err := Open("xla:cpu,nonsense"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("an unknown option: %v", err)
	}
}

// TestSilence looks for log lines of XLA's, which are written past Go, so it takes a process of its own.
func TestSilence(t *testing.T) {
	if os.Getenv("PLUGIN_TEST_CHILD") != "" {
		if _, _, err := Open("xla"); err != nil {
			t.Fatal(err)
		}
		return
	}
	installed(t)
	command := exec.Command(os.Args[0], "-test.run=^TestSilence$")
	command.Env = append(os.Environ(), "PLUGIN_TEST_CHILD=1")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if out, err := command.Output(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, standard error %q, output %q", err, stderr.String(), out)
	}
}
