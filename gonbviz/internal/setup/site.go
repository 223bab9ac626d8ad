package setup

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

//go:embed requirements.txt
var requirements []byte

//go:embed plugin.txt
var pluginRequirement []byte

// toolPackages are the programs that a Go notebook needs, in the order in which they are built.
var toolPackages = []string{
	"github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports", "golang.org/x/tools/gopls",
}

// site knows where everything lies. What depends on a pinned list lies in a folder named after the list's hash, so that
// two clones of different age, and a JupyterLab that runs while a newer one is set up, don't disturb each other.
type site struct {
	root string // the clone
	home string // the folder in which all is installed
	// Folders below home; jupyter is the Python environment, which Environment has for other packages.
	jupyter, tools, user, downloads string
	// fetched is a file that says that the modules of the library were fetched.
	fetched string
}

func newSite(root string) (site, error) {
	home, err := plugin.Home()
	if err != nil {
		return site{}, err
	}
	s := site{root: root, home: home}
	tools, err := pins(s.toolsModule())
	if err != nil {
		return site{}, err
	}
	library, err := pins(root)
	if err != nil {
		return site{}, err
	}
	s.jupyter = filepath.Join(home, "jupyter-"+shortHash(requirements))
	s.tools = filepath.Join(home, "tools-"+shortHash(tools))
	s.user = filepath.Join(home, "user")
	s.downloads = filepath.Join(home, "downloads")
	s.fetched = filepath.Join(home, "library-"+shortHash(library))
	return s, nil
}

// pins is what a module's go.mod and go.sum pin.
func pins(module string) ([]byte, error) {
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return nil, err
	}
	sum, err := os.ReadFile(filepath.Join(module, "go.sum"))
	return append(mod, sum...), err
}

func shortHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func (s site) toolsModule() string {
	return filepath.Join(s.root, "gonbviz", "internal", "setup", "tools")
}

func (s site) python() string { return filepath.Join(s.jupyter, "bin", "python") }

func (s site) toolsBin() string { return filepath.Join(s.tools, "bin") }

// foreign are variables of the user's that would lead Python, pip or Jupyter out of our environment.
var foreign = regexp.MustCompile(`^(PYTHON(HOME|PATH|STARTUP)|VIRTUAL_ENV|` +
	`JUPYTER_(CONFIG_DIR|CONFIG_PATH|DATA_DIR|PATH|RUNTIME_DIR|NO_CONFIG|PREFER_ENV_PATH)|JUPYTERLAB_.*|IPYTHONDIR|` +
	`PIP_(TARGET|PREFIX|ROOT|USER|REQUIREMENT|CONSTRAINT|NO_BINARY|ONLY_BINARY|PYTHON|DRY_RUN))=`)

// environment is the one in which Python and Jupyter run. All that Jupyter would keep in the user's own folders
// (settings, running servers, trusted notebooks) lies in ours, where it outlasts an update; a kernel or a
// configuration that the user has elsewhere is neither seen nor touched.
func (s site) environment() []string {
	env := slices.DeleteFunc(os.Environ(), foreign.MatchString)
	user := func(name string) string { return filepath.Join(s.user, name) }
	return append(env,
		"PYTHONNOUSERSITE=1",
		"JUPYTER_PREFER_ENV_PATH=1",
		"JUPYTER_PLATFORM_DIRS=0",
		"JUPYTER_CONFIG_DIR="+user("config"),
		"JUPYTER_DATA_DIR="+user("data"),
		"JUPYTER_RUNTIME_DIR="+user("runtime"),
		"IPYTHONDIR="+user("ipython"),
	)
}

// goEnvironment is the one in which Go programs are built here; the user's flags and workspace are for other modules.
func goEnvironment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOFLAGS=") || strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "GOBIN=")
	})
	return append(append(env, "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off"), extra...)
}
