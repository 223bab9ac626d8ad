package setup

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// silence is how long the go command may say nothing, and receive nothing, while it downloads.
const silence = time.Minute

// arriving is the size of what the go command is receiving at the moment, which it does without a word.
func arriving(cache string) (size int64) {
	_ = filepath.WalkDir(cache, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".tmp" {
			return nil // files come and go while it walks
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// checkGo looks at the Go that cells will be built with, which need not be the one that built this program.
func (s site) checkGo(ctx context.Context) (detail string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("no go command on the PATH; install Go " + s.wantedGo() + " or newer")
	}
	// Outside the clone, whose go.mod would make an older Go fetch a newer one.
	outside := filepath.VolumeName(s.root) + string(filepath.Separator)
	ask := func(name string, extra ...string) (string, error) {
		return ask(ctx, outside, append(os.Environ(), extra...), "go", "env", name)
	}
	have, err := ask("GOVERSION", "GOTOOLCHAIN=local")
	if err != nil {
		return "", fmt.Errorf("go does not run: %w", err)
	}
	if version.Compare(have, "go"+s.wantedGo()) >= 0 {
		return have, nil
	}
	toolchain, err := ask("GOTOOLCHAIN")
	if err == nil && toolchain != "local" && !strings.HasSuffix(toolchain, "path") {
		return have + ", which fetches go" + s.wantedGo() + " by itself", nil
	}
	return "", fmt.Errorf("%s is too old and may not fetch a newer one (GOTOOLCHAIN=%s); install Go %s or newer, or set "+
		"GOTOOLCHAIN=auto", have, toolchain, s.wantedGo())
}

// wantedGo is the version that the clone's go.mod asks for.
func (s site) wantedGo() string {
	text, err := os.ReadFile(filepath.Join(s.root, "go.mod"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "go "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// checkCompiler looks for the C compiler that go-xla is built with.
func (s site) checkCompiler(ctx context.Context) (detail string, err error) {
	enabled, err := ask(ctx, s.root, goEnvironment(), "go", "env", "CGO_ENABLED")
	if err != nil {
		return "", err
	}
	compiler, err := ask(ctx, s.root, goEnvironment(), "go", "env", "CC")
	if err != nil {
		return "", err
	}
	if fields := strings.Fields(compiler); len(fields) > 0 {
		if path, err := exec.LookPath(fields[0]); err == nil && enabled == "1" {
			return path, nil
		} else if err == nil {
			return "", errors.New("cgo is switched off (CGO_ENABLED=0)")
		}
	}
	return "", errors.New("no C compiler found; install one (on Debian and Ubuntu: apt install gcc libc6-dev)")
}

func (s site) toolsInstalled() bool {
	for _, name := range toolPackages {
		if info, err := os.Stat(filepath.Join(s.toolsBin(), filepath.Base(name))); err != nil || info.Size() == 0 {
			return false
		}
	}
	return true
}

// installTools builds the programs of the tools module into a folder that is moved to its place when all are there.
func (s site) installTools(ctx context.Context, r *reporter) error {
	r.stage("fetching modules")
	total, err := fetchModules(ctx, s.toolsModule(), toolPackages...)
	if err != nil {
		return err
	}
	part := s.tools + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(part, "bin"), 0o755); err != nil {
		return err
	}
	args := append([]string{"go", "build", "-v", "-o", filepath.Join(part, "bin") + string(filepath.Separator)},
		toolPackages...)
	if err := build(ctx, r, s.toolsModule(), total, args); err != nil {
		return err
	}
	if err := os.RemoveAll(s.tools); err != nil {
		return err
	}
	return os.Rename(part, s.tools)
}

// fetchModules downloads what the packages are built from, where it is not there yet, and counts the packages.
func fetchModules(ctx context.Context, dir string, packages ...string) (count int, err error) {
	cache, err := ask(ctx, dir, goEnvironment(), "go", "env", "GOMODCACHE")
	if err != nil {
		return 0, err
	}
	cache = filepath.Join(cache, "cache", "download")
	const each = "package "
	problem := ""
	args := append([]string{"go", "list", "-x", "-deps", "-f", each + "{{.ImportPath}}"}, packages...)
	measure := func() int64 { return arriving(cache) }
	_, err = command{dir: dir, env: goEnvironment(), args: args, idle: silence, measure: measure, line: func(line string) {
		if strings.HasPrefix(line, each) {
			count++
		} else if !strings.HasPrefix(line, "#") {
			problem = line
		}
	}}.run(ctx)
	if err != nil && ctx.Err() == nil {
		return 0, fmt.Errorf("the Go modules could not be fetched (%w): %s", err, problem)
	}
	return count, err
}

// build runs go build without a network, counting the packages that it compiles.
func build(ctx context.Context, r *reporter, dir string, total int, args []string) error {
	done := 0
	lines, err := command{dir: dir, env: goEnvironment("GOPROXY=off"), args: args, line: func(string) {
		done++
		r.count(done, total, "Go packages at most")
	}}.run(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("go build failed (%w): %s", err, lastLine(lines))
	}
	return err
}

// libraryReady tells whether all that cells import lies in Go's module cache, where set-up put and compiled it.
func (s site) libraryReady(ctx context.Context) error {
	if _, err := os.Stat(s.fetched); err != nil {
		return err
	}
	lines, err := command{dir: s.root, env: goEnvironment("GOPROXY=off"), args: append([]string{
		"go", "list", "-deps", "-f", "",
	}, libraryPackages...)}.run(ctx)
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(lines))
	}
	return nil
}

// libraryPackages are what cells import, directly or by way of the door.
var libraryPackages = []string{"./gonbviz", "./models/..."}

// installLibrary compiles the library, so that the first cell does not have to.
func (s site) installLibrary(ctx context.Context, r *reporter) error {
	r.stage("fetching modules")
	total, err := fetchModules(ctx, s.root, libraryPackages...)
	if err != nil {
		return err
	}
	err = build(ctx, r, s.root, total, append([]string{"go", "build", "-v"}, libraryPackages...))
	if err != nil && ctx.Err() == nil {
		// Who changes the library needs the notebook most when it does not compile.
		r.say("warning: the library does not compile as it is: " + err.Error())
		err = nil
	}
	if err != nil {
		return err
	}
	return writeFile(s.fetched, nil)
}
