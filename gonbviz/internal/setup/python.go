package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// findPython gives a Python that can make an environment. Its error says what is missing and how to get it.
func findPython(ctx context.Context) (path, version string, err error) {
	const question = `import sys; print("%d.%d" % sys.version_info[:2], sys.version_info >= (3, 10))
try:
    import ensurepip, venv
    print("complete")
except ImportError:
    print("incomplete")`
	var old, incomplete string
	for _, name := range []string{"python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"} {
		path, lookErr := exec.LookPath(name)
		if lookErr != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-I", "-c", question).Output()
		fields := strings.Fields(string(out))
		switch {
		case err != nil || len(fields) != 3:
		case fields[1] != "True":
			old = fields[0]
		case fields[2] != "complete":
			incomplete = name
		default:
			return path, fields[0], nil
		}
	}
	switch {
	case incomplete != "":
		return "", "", fmt.Errorf("%s lacks its venv module, which some systems ship apart; on Debian and Ubuntu: "+
			"apt install %s-venv", incomplete, incomplete)
	case old != "":
		return "", "", fmt.Errorf("the newest Python found, %s, is too old; 3.10 or newer is needed", old)
	}
	return "", "", errors.New("no Python found; install Python 3.10 or newer with its venv module " +
		"(on Debian and Ubuntu: apt install python3 python3-venv)")
}

// marker is written last into an environment, and says which Python it was finished for: an environment without it
// was interrupted, and one whose Python has gone or changed is made anew.
func (s site) marker() string { return filepath.Join(s.jupyter, "complete") }

func (s site) jupyterInstalled(ctx context.Context) bool {
	want, err := os.ReadFile(s.marker())
	if err != nil {
		return false
	}
	have, err := s.pythonVersion(ctx)
	return err == nil && have == string(want)
}

func (s site) pythonVersion(ctx context.Context) (string, error) {
	return ask(ctx, s.home, s.environment(), s.python(), "-c", `import sys; print(sys.version.replace("\n", " "))`)
}

// installJupyter makes the Python environment with JupyterLab.
func (s site) installJupyter(ctx context.Context, r *reporter) error {
	return s.installPackages(ctx, r, requirements)
}

// installPackages makes the Python environment with the packages of a pinned list. What was downloaded before an
// interruption is not fetched again.
func (s site) installPackages(ctx context.Context, r *reporter, requirements []byte) error {
	if err := s.makeEnvironment(ctx); err != nil {
		return err
	}
	list := filepath.Join(s.downloads, "requirements.txt")
	if err := s.download(ctx, r, list, requirements); err != nil {
		return err
	}
	r.stage("installing the packages")
	lines, err := command{dir: s.home, env: s.environment(), args: []string{
		s.python(), "-I", "-m", "pip", "install", "--no-index", "--find-links", s.downloads, "--no-deps",
		"--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-cache-dir", "--no-user", "--no-input",
		"--disable-pip-version-check", "--progress-bar", "off", "-r", list,
	}}.run(ctx)
	if err != nil {
		return pipError(ctx, "install", lines, err)
	}
	version, err := s.pythonVersion(ctx)
	if err != nil {
		return fmt.Errorf("the new Python environment does not start: %w", err)
	}
	if err := writeFile(s.marker(), []byte(version)); err != nil {
		return err
	}
	return os.RemoveAll(s.downloads)
}

func (s site) makeEnvironment(ctx context.Context) error {
	if _, err := ask(ctx, s.home, s.environment(), s.python(), "-m", "pip", "--version"); err == nil {
		return nil // an interrupted set-up came this far
	}
	python, _, err := findPython(ctx)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(s.jupyter); err != nil {
		return err
	}
	lines, err := command{dir: s.home, env: s.environment(), args: []string{python, "-m", "venv", s.jupyter}}.run(ctx)
	if err != nil {
		return fmt.Errorf("no Python environment could be made with %s: %w (%s)", python, err, lastLine(lines))
	}
	return nil
}

// download fetches the packages of a pinned list into the folder for downloads, each checked against its hash.
func (s site) download(ctx context.Context, r *reporter, path string, list []byte) error {
	if err := writeFile(path, list); err != nil {
		return err
	}
	total := strings.Count(string(list), "==") - strings.Count(string(list), "== '")
	done := 0
	// Bounded on every side: without a network each address is tried three times, 15 seconds at most.
	lines, err := command{dir: s.home, env: s.environment(), line: func(line string) {
		if strings.HasPrefix(line, "Collecting ") {
			r.count(done, total, "packages")
			done++
		}
	}, args: []string{
		s.python(), "-I", "-m", "pip", "download", "--dest", s.downloads, "--no-deps", "--require-hashes",
		"--only-binary", ":all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar", "off",
		"--timeout", "15", "--retries", "2", "-r", path,
	}}.run(ctx)
	if err != nil {
		return pipError(ctx, "fetch", lines, err)
	}
	return nil
}

// pipError makes one line of what pip says.
func pipError(ctx context.Context, verb string, lines []string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	name, network, last := "the Python packages", false, ""
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "Collecting "):
			name, _, _ = strings.Cut(strings.TrimPrefix(line, "Collecting "), " ")
		case strings.Contains(line, "Retrying (Retry(") || strings.Contains(line, "Could not fetch URL") ||
			strings.Contains(line, "(from versions: none)"):
			network = true
		case strings.Contains(line, "DO NOT MATCH THE HASHES"):
			return fmt.Errorf("%s: what was downloaded is not what was pinned (its hash differs); nothing of it was "+
				"installed; try again, and if it stays so, report it", name)
		case strings.HasPrefix(line, "ERROR: "):
			last = strings.TrimPrefix(line, "ERROR: ")
		}
	}
	if network {
		return fmt.Errorf("%s could not be fetched: the Python package index does not answer, or not with it; with a "+
			"network again, the same command goes on where it stopped", name)
	}
	if last == "" {
		last = err.Error()
	}
	return fmt.Errorf("pip could not %s %s: %s", verb, name, last)
}

// writeFile writes a file whole or not at all.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails where it was renamed, as it should
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
