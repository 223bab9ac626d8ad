// Package setup gets what Go notebooks need and a Go module can't bring: JupyterLab, the GoNB kernel with its helpers,
// and XLA's plugin. It runs notebooks and JupyterLab with them.
//
// All of it lies in one folder in the user's cache, named by plugin.Home; nothing is installed elsewhere, and to remove
// it all is to remove that folder. What is downloaded is pinned, and checked against its hash before use, but for
// go-xla's own release of the plugin, which is said where it is taken.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// Options is what a caller may say about a set-up; its zero value is the usual one, without a word of progress.
type Options struct {
	// Plugin is the source of XLA's plugin, if none is installed; empty: PluginAuto.
	Plugin PluginSource
	// Progress is told what is done; nil: nobody. Where it is a terminal one line changes in place.
	Progress io.Writer
}

func (o Options) reporter() *reporter { return newReporter(o.Progress, o.Progress == nil) }

// Part is a row of what Check finds.
type Part struct {
	// Name of the part.
	Name string `json:"part"`
	// Status is "ok" or "missing".
	Status string `json:"status"`
	// Detail says where it is or which version, or the reason why it is missing and the mend.
	Detail string `json:"detail"`
}

// OK tells whether the part is there.
func (p Part) OK() bool { return p.Status == "ok" }

func part(name, detail string, err error) Part {
	if err != nil {
		return Part{name, "missing", err.Error()}
	}
	return Part{name, "ok", detail}
}

// installable is a part that Run can bring.
type installable struct {
	Part
	step
	// cost says what will be downloaded.
	cost    string
	install func(context.Context, *reporter) error
}

// Check looks at every part and changes nothing. root is the clone's folder.
func Check(ctx context.Context, root string, o Options) ([]Part, error) {
	s, err := newSite(root)
	if err != nil {
		return nil, err
	}
	parts := s.checkMachine(ctx, o)
	for _, p := range s.installables(ctx, o) {
		parts = append(parts, p.Part)
	}
	return parts, ctx.Err()
}

// checkMachine looks at what set-up can't bring.
func (s site) checkMachine(ctx context.Context, o Options) []Part {
	version, err := s.checkGo(ctx)
	parts := []Part{part("go", version, err)}
	if o.Plugin == PluginNone {
		parts = append(parts, part("c-compiler", "not needed without XLA", nil))
	} else {
		compiler, err := s.checkCompiler(ctx)
		if err != nil {
			err = fmt.Errorf("%w; without it all runs on pure Go: %s", err, plugin.Cost)
		}
		parts = append(parts, part("c-compiler", compiler, err))
	}
	if s.jupyterInstalled(ctx) { // it has its Python, whatever the PATH holds by now
		version, err := s.pythonVersion(ctx)
		version, _, _ = strings.Cut(version, " ")
		return append(parts, part("python", version, err))
	}
	python, version, err := findPython(ctx)
	return append(parts, part("python", version+", "+python, err))
}

func (s site) installables(ctx context.Context, o Options) []installable {
	missing := func(yes bool) error {
		if yes {
			return nil
		}
		return errors.New("not installed; gonbviz setup gets it")
	}
	parts := []installable{
		{
			Part:    part("jupyter", s.jupyter, missing(s.jupyterInstalled(ctx))),
			step:    step{"JupyterLab", 25},
			cost:    "JupyterLab with nbclient and nbconvert from PyPI, about 90 packages, 46 MB, hashes pinned",
			install: s.installJupyter,
		},
		{
			Part:    part("tools", s.tools, missing(s.toolsInstalled())),
			step:    step{"Go kernel and its helpers", 60},
			cost:    "gonb, goimports and gopls, built from up to 105 MB of Go modules, hashes pinned",
			install: s.installTools,
		},
		{
			Part:    part("kernel", s.kernelFile(), missing(s.kernelInstalled())),
			step:    step{"kernel's registration", 0},
			install: func(context.Context, *reporter) error { return s.installKernel() },
		},
		{
			Part:    part("library", s.root, missing(s.libraryReady(ctx) == nil)),
			step:    step{"the library, compiled", 40},
			cost:    "the library's own Go modules, where they are not there yet, up to 130 MB, hashes pinned",
			install: s.installLibrary,
		},
	}
	return append(parts, s.xlaPart(ctx, o.Plugin))
}

// xlaPart is the plugin's, which is no part of what is wanted where the caller goes without.
func (s site) xlaPart(ctx context.Context, source PluginSource) installable {
	if source == "" {
		source = PluginAuto
	}
	if source == PluginNone {
		return installable{Part: part("xla", "not wanted (--plugin none); "+plugin.Cost, nil)}
	}
	path, err := checkXLA()
	p := installable{Part: part("xla", path, err), step: step{"XLA's plugin", 15}}
	if plugin.Missing != "" {
		return p // a plugin would be of no use
	}
	p.cost = releaseText
	if resolved, err := source.resolve(); err == nil && resolved == PluginWheel {
		p.cost = wheelText
	}
	p.install = func(ctx context.Context, r *reporter) error { return s.installXLA(ctx, r, source) }
	return p
}

// Run brings what is missing. It may be interrupted and run again, and run twice at a time: the second waits for the
// first. Where all is there it needs no network.
func Run(ctx context.Context, root string, o Options) error {
	s, err := newSite(root)
	if err != nil {
		return err
	}
	r := o.reporter()
	defer r.clear()
	if o.Plugin != PluginNone && o.Plugin != "" {
		if _, err := o.Plugin.resolve(); err != nil {
			return err
		}
	}
	if err := s.needs(ctx, r, o); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, r)
	if err != nil {
		return err
	}
	defer unlock()
	return s.install(ctx, r, o)
}

// needs ends the set-up where the machine lacks what it can't do without.
func (s site) needs(ctx context.Context, r *reporter, o Options) error {
	for _, p := range s.checkMachine(ctx, o) {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case p.OK():
		case p.Name == "c-compiler":
			r.say("note: " + p.Detail)
		default:
			return errors.New(p.Detail)
		}
	}
	return nil
}

// lock makes sure that one set-up at a time works in the folder.
func (s site) lock(ctx context.Context, r *reporter) (unlock func(), err error) {
	if err := os.MkdirAll(s.home, 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(s.home, "setup.lock"))
	got, err := lock.TryLock()
	if err == nil && !got {
		r.say("another set-up is at work in " + s.home + "; waiting for it to end")
		got, err = lock.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil || !got {
		return nil, fmt.Errorf("the folder %s can't be locked: %w", s.home, err)
	}
	return func() { _ = lock.Unlock() }, nil // the lock ends with the process at the latest
}

func (s site) install(ctx context.Context, r *reporter, o Options) error {
	var todo []installable
	for _, p := range s.installables(ctx, o) {
		if !p.OK() && p.install != nil {
			todo = append(todo, p)
		}
	}
	if len(todo) == 0 {
		return ctx.Err()
	}
	r.say("installing in " + s.home + ", and nowhere else:")
	for _, p := range todo {
		r.steps = append(r.steps, p.step)
		if p.cost != "" {
			r.say("  " + p.cost)
		}
	}
	for i, p := range todo {
		r.begin(i)
		if err := p.install(ctx, r); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s: %w", p.step.name, err)
		}
	}
	r.say("all is set up")
	return nil
}
