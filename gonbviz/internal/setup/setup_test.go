package setup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// clone is a site in this clone whose home is empty.
func clone(t *testing.T) site {
	t.Helper()
	t.Setenv(plugin.HomeEnv, filepath.Join(t.TempDir(), "not", "there", "yet"))
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// program writes a shell script called name into a new folder, which then is the whole PATH.
func program(t *testing.T, name, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestRoot(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a clone", "notebooks", "mine")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Root(deep); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("outside a clone: %v", err)
	}
	for name, text := range map[string]string{"a clone": moduleLine + "\n\ngo 1.26.5\n", "a clone/notebooks": "module other\n"} {
		if err := os.WriteFile(filepath.Join(dir, name, "go.mod"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Root(deep); err != nil || got != filepath.Join(dir, "a clone") {
		t.Errorf("Root = %q, %v", got, err)
	}
}

func TestGoTooOld(t *testing.T) {
	s := clone(t)
	const script = `case "$2" in GOVERSION) echo go1.24.1;; GOTOOLCHAIN) echo %s;; esac`
	program(t, "go", strings.Replace(script, "%s", "local", 1))
	if _, err := s.checkGo(t.Context()); err == nil || !strings.Contains(err.Error(), "GOTOOLCHAIN=auto") {
		t.Errorf("an old Go that may not fetch another: %v", err)
	}
	program(t, "go", strings.Replace(script, "%s", "auto", 1))
	if detail, err := s.checkGo(t.Context()); err != nil || !strings.Contains(detail, s.wantedGo()) {
		t.Errorf("an old Go that may: %q, %v", detail, err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := s.checkGo(t.Context()); err == nil || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("no Go: %v", err)
	}
}

func TestNoCompiler(t *testing.T) {
	s := clone(t)
	program(t, "go", `case "$2" in CGO_ENABLED) echo 0;; CC) echo gcc;; esac`)
	if _, err := s.checkCompiler(t.Context()); err == nil || !strings.Contains(err.Error(), "apt install gcc") {
		t.Errorf("no compiler: %v", err)
	}
}

func TestFindPython(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"complete":   {`echo "3.12 True"; echo complete`, ""},
		"no venv":    {`echo "3.12 True"; echo incomplete`, "apt install python3-venv"},
		"old":        {`echo "3.8 False"; echo complete`, "3.8, is too old"},
		"not Python": {`exit 9`, "install Python"},
	} {
		program(t, "python3", c.script)
		_, version, err := findPython(t.Context())
		if c.want == "" && (err != nil || version != "3.12") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q, %v", name, version, err)
		}
	}
}

func TestPipError(t *testing.T) {
	failed := errors.New("exit status 1")
	for output, want := range map[string]string{
		"Collecting lark==1.3.1 (from -r x)\nWARNING: Retrying (Retry(total=1)) after connection broken": "lark==1.3.1 could not be fetched",
		"Collecting lark==1.3.1\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE":                 "hash differs",
		"Collecting lark==1.3.1\nERROR: No space left on device":                                         "No space left",
		"": "exit status 1",
	} {
		err := pipError(t.Context(), "fetch", strings.Split(output, "\n"), failed)
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", output, err)
		}
	}
}

func TestRequirementsArePinned(t *testing.T) {
	for _, list := range [][]byte{requirements, pluginRequirement} {
		for line := range strings.Lines(string(list)) {
			switch line = strings.TrimSpace(line); {
			case line == "" || strings.HasPrefix(line, "#"), strings.HasPrefix(line, "--hash=sha256:"):
			case !strings.Contains(line, "==") || !strings.HasSuffix(line, `\`):
				t.Errorf("not pinned by version and hash: %s", line)
			}
		}
	}
}

func TestKernelText(t *testing.T) {
	s := clone(t)
	s.home, s.tools = "/a b/$c", "/a b/$c/tools"
	var spec kernelSpec
	if err := json.Unmarshal(s.kernelText(), &spec); err != nil {
		t.Fatal(err)
	}
	if spec.Argv[0] != "/a b/$c/tools/bin/gonb" || spec.Env[plugin.HomeEnv] != "/a b/$$c" ||
		spec.Env["PATH"] != "/a b/$$c/tools/bin"+string(os.PathListSeparator)+"${PATH}" {
		t.Errorf("%+v", spec)
	}
}

func TestEnvironment(t *testing.T) {
	s := clone(t)
	t.Setenv("PYTHONPATH", "/elsewhere")
	t.Setenv("JUPYTER_PATH", "/elsewhere")
	t.Setenv("PIP_TARGET", "/elsewhere")
	t.Setenv("PIP_INDEX_URL", "a mirror that the user needs")
	text := strings.Join(s.environment(), "\n")
	if strings.Contains(text, "=/elsewhere") || !strings.Contains(text, "PIP_INDEX_URL=a mirror") {
		t.Error(text)
	}
	for _, variable := range []string{"JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"} {
		if !strings.Contains(text, variable+"="+s.home) {
			t.Errorf("%s lies elsewhere than in our folder", variable)
		}
	}
}

func TestCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	sh := func(script string) command { return command{args: []string{"/bin/sh", "-c", script}} }
	lines, err := sh("echo one; echo two >&2; exit 3").run(t.Context())
	if err == nil || len(lines) != 2 || lastLine(lines) != "two" {
		t.Errorf("%q, %v", lines, err)
	}
	silent := sh("sleep 60")
	silent.idle = 50 * time.Millisecond
	if _, err := silent.run(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("silence: %v", err)
	}
	var size atomic.Int64
	growing := sh("sleep 0.5")
	growing.idle, growing.measure = 50*time.Millisecond, func() int64 { return size.Add(1) }
	if _, err := growing.run(t.Context()); err != nil || size.Load() == 0 {
		t.Errorf("silent, but at work: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sh("sleep 60").run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestArriving(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a/v1.zip123.tmp": "four", "a/v1.zip": "not counted", "b.tmp": "!"} {
		if err := writeFile(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := arriving(dir); got != 5 {
		t.Errorf("%d bytes are arriving, want 5", got)
	}
}

func TestLockWaits(t *testing.T) {
	s := clone(t)
	unlock, err := s.lock(t.Context(), newReporter(nil, true))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var said bytes.Buffer
	if _, err := s.lock(ctx, newReporter(&said, false)); err == nil || !strings.Contains(said.String(), "waiting") {
		t.Errorf("a second lock: %v, %q", err, said.String())
	}
	unlock()
	unlock, err = s.lock(t.Context(), newReporter(nil, true))
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestCheckThisMachine(t *testing.T) {
	s := clone(t)
	if detail, err := s.checkGo(t.Context()); err != nil || !strings.HasPrefix(detail, "go1") {
		t.Errorf("the Go that runs this test: %q, %v", detail, err)
	}
	if fileExists(s.home) {
		t.Error("looking made the folder")
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{0: "5 s", 12: "10 s", 89: "90 s", 100: "2 min", 200: "3 min"} {
		if got := duration(seconds); got != want {
			t.Errorf("duration(%v) = %s, want %s", seconds, got, want)
		}
	}
}

func TestWheelElsewhere(t *testing.T) {
	source, err := PluginAuto.resolve()
	if hasWheel := runtime.GOOS == "linux" && runtime.GOARCH == "amd64"; err != nil || hasWheel != (source == PluginWheel) {
		t.Errorf("auto is %q, %v", source, err)
	}
}

// archive is a release as go-xla publishes it.
func archive(t *testing.T, name, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}
	if err := files.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	_, err := files.Write([]byte(text))
	if err := errors.Join(err, files.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestReleaseDamaged(t *testing.T) {
	s := clone(t)
	whole := archive(t, "./pjrt_c_api_cpu_v1_plugin.so", "no library")
	for what, c := range map[string]struct {
		body   []byte
		status int
		want   string
	}{
		"no plugin in it": {archive(t, "README", ""), 200, "holds no plugin"},
		"no library":      {whole, 200, "damaged"},
		"cut short":       {whole[:len(whole)/2], 200, "unexpected EOF"},
		"no archive":      {[]byte("<html>not an archive at all</html>"), 200, "gzip"},
		"not there":       {nil, 404, "404"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			w.Write(c.body)
		}))
		err := s.installRelease(t.Context(), newReporter(nil, true), server.URL)
		server.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) && runtime.GOOS == "linux" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.home, "xla", "*")); len(left) > 0 && runtime.GOOS == "linux" {
		t.Errorf("left behind: %v", left)
	}
}
