package setup

import (
	"context"
	"io"
	"path/filepath"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// Environment is a Python environment with the packages of a list that pins each of them by its hash, in the folder in
// which all is installed. It is made where it is not there yet, and the interpreter in it is returned. name says what
// the packages are for, and cost what will be downloaded; progress is told what is done (nil: nobody).
func Environment(ctx context.Context, name, cost string, requirements []byte, progress io.Writer) (python string, err error) {
	home, err := plugin.Home()
	if err != nil {
		return "", err
	}
	folder := name + "-" + shortHash(requirements)
	s := site{
		home: home, user: filepath.Join(home, "user"),
		jupyter: filepath.Join(home, folder), downloads: filepath.Join(home, "downloads-"+folder),
	}
	r := newReporter(progress, progress == nil)
	defer r.clear()
	unlock, err := s.lock(ctx, r)
	if err != nil {
		return "", err
	}
	defer unlock()
	if s.jupyterInstalled(ctx) {
		return s.python(), nil
	}
	r.say("installing in " + s.jupyter + ", once: " + cost)
	r.steps = []step{{name, 300}}
	r.begin(0)
	if err := s.installPackages(ctx, r, requirements); err != nil {
		return "", err
	}
	return s.python(), nil
}
