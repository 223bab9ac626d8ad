package plugin

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// HomeEnv is the environment variable that puts our folder elsewhere than in the user's cache.
const HomeEnv = "CONVLENS_HOME"

// Home is the one folder in which set-up installs things, an absolute path. It need not exist.
func Home() (string, error) {
	if home := os.Getenv(HomeEnv); home != "" {
		return filepath.Abs(home)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to install in: %w; set %s", err, HomeEnv)
	}
	return filepath.Join(cache, "convlens"), nil
}

// Dir is our own folder for the XLA plugin. It need not exist.
func Dir() (string, error) {
	home, err := Home()
	return filepath.Join(home, "xla"), err
}

// Find gives the path of an installed plugin, or "" where there is none. name is a plugin's as go-xla has it ("cpu",
// "cuda"); with "" it is CUDA where the machine has a GPU by NVIDIA, else the CPU's, else any.
//
// The folders are go-xla's own, in its order (PJRT_PLUGIN_LIBRARY_PATH, else its standard ones), then ours, then the
// system's libraries. A damaged file is passed over where another will do, else it is the error.
func Find(name string) (string, error) {
	var damaged error
	for _, path := range candidates(name) {
		err := Check(path)
		if err == nil {
			return path, nil
		}
		damaged = errors.Join(err, damaged)
	}
	if damaged != nil {
		return "", oneLine(damaged)
	}
	return systemPlugin(name), nil
}

// candidates are the plugin files that may serve for name, best first.
func candidates(name string) []string {
	var paths []string
	for _, dir := range folders() {
		var here []string
		for _, pattern := range []string{"pjrt_c_api_*_plugin.*", "pjrt[-_]plugin[-_]*.*"} {
			found, _ := filepath.Glob(filepath.Join(globQuote(dir), pattern)) // fails on a bad pattern only
			here = append(here, found...)
		}
		slices.Sort(here)
		slices.Reverse(here) // newer versions first, and what has none ("cpu_plugin" after "cpu_v1_plugin") before them
		paths = append(paths, here...)
	}
	return rank(paths, name)
}

// rank keeps of paths the ones that serve for name, with the most wanted kind first.
func rank(paths []string, name string) []string {
	wanted := []string{name}
	if name == "" {
		wanted = []string{"cpu", ""}
		if hasNvidiaGPU() {
			wanted = []string{"cuda", "cpu", ""}
		}
	}
	var ranked []string
	for _, kind := range wanted {
		for _, path := range paths {
			if serves(Name(path), kind) && !slices.Contains(ranked, path) {
				ranked = append(ranked, path)
			}
		}
	}
	return ranked
}

// serves tells whether the plugin called name is of the kind asked for; "" stands for any but a GPU's that isn't there.
func serves(name, kind string) bool {
	if kind == "" {
		return name != "" && !strings.HasPrefix(name, "cuda")
	}
	return name == kind || strings.HasPrefix(name, kind+"_v")
}

var reName = regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+))\.(?:so|dylib|dll)$`)

// Name is a plugin's name by its file's: "cpu" of pjrt_c_api_cpu_plugin.so. It is "" where the file is no plugin.
func Name(path string) string {
	match := reName.FindStringSubmatch(filepath.Base(path))
	if match == nil {
		return ""
	}
	return match[1] + match[2]
}

// folders are those in which a plugin may lie, as go-xla has them, and ours last.
func folders() []string {
	dirs, set := os.LookupEnv("PJRT_PLUGIN_LIBRARY_PATH")
	list := filepath.SplitList(dirs)
	if !set {
		list = append(standardFolders(), filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
	}
	if own, err := Dir(); err == nil {
		list = append(list, own)
	}
	var absolute []string
	for _, dir := range list {
		if dir == "" {
			continue
		}
		if dir, err := filepath.Abs(dir); err == nil {
			absolute = append(absolute, dir)
		}
	}
	return absolute
}

// standardFolders are go-xla's: in each, older releases of its project had another name.
func standardFolders() []string {
	var dirs []string
	if home, err := os.UserHomeDir(); err == nil {
		switch runtime.GOOS {
		case "darwin":
			support := filepath.Join(home, "Library", "Application Support")
			dirs = append(dirs, filepath.Join(support, "go-xla"), filepath.Join(support, "GoMLX", "PJRT"))
		case "windows":
			dirs = append(dirs, filepath.Join(home, "AppData", "Local", "go-xla"))
		default:
			lib := filepath.Join(home, ".local", "lib")
			dirs = append(dirs, filepath.Join(lib, "go-xla"), filepath.Join(lib, "go-xla", "nvidia"),
				filepath.Join(lib, "gomlx", "pjrt"))
		}
	}
	return append(dirs, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia", "/usr/local/lib/gomlx/pjrt")
}

// globQuote makes a folder's name match itself, whatever it holds.
func globQuote(dir string) string {
	if runtime.GOOS == "windows" { // there a backslash separates, and can't quote
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func hasNvidiaGPU() bool {
	devices, _ := filepath.Glob("/dev/nvidia[0-9]*")
	if len(devices) > 0 {
		return true
	}
	_, err := exec.LookPath("nvidia-smi")
	return err == nil && exec.Command("nvidia-smi", "-L").Run() == nil
}

// mend is what every error about a plugin's file ends with.
const mend = "remove the file and run gonbviz setup, or choose another backend (--backend go, GOMLX_BACKEND=go)"

// Check tells whether path can be loaded as a plugin, without loading it: loading a file that was cut short kills the
// process. The error is one line that names the file and the mend.
func Check(path string) error {
	if err := checkFile(path); err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return oneLine(fmt.Errorf("XLA plugin %s is damaged or missing (%w); %s", path, err, mend))
	}
	return nil
}

func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return errors.New("not a file with something in it")
	}
	if runtime.GOOS != "linux" {
		return nil
	}
	return checkELF(path, info.Size())
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

func checkELF(path string, size int64) error {
	file, err := elf.Open(path)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) {
			return errors.New("not a whole shared library")
		}
		return err
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Filesz > uint64(size) || part.Off > uint64(size)-part.Filesz {
			return errors.New("cut short")
		}
	}
	if want, known := machines[runtime.GOARCH]; known && file.Machine != want {
		return fmt.Errorf("made for another machine, %s", file.Machine)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil || !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == "GetPjrtApi" }) {
		return errors.New("no PJRT plugin")
	}
	return nil
}
