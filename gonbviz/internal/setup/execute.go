package setup

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed runner.py
var runner string

// Execution is how a notebook is run; its zero value runs it and keeps nothing.
type Execution struct {
	// HTML is the file that the executed notebook is written to as one self-contained page; empty: none.
	HTML string
	// SaveTo is the file that the executed notebook is written to, which may be the notebook itself; empty: none.
	SaveTo string
	// Cell is told before each cell is run, counted from 1; nil: nobody.
	Cell func(cell, total int)
}

// CellError is a cell that failed.
type CellError struct {
	// Notebook as the caller named it.
	Notebook string
	// Cell counts the notebook's cells from 1, text included, as one does who looks at it.
	Cell int
	// Message is the program's or the compiler's.
	Message string
}

// Error names notebook, cell and message in one line.
func (e *CellError) Error() string {
	return fmt.Sprintf("%s: cell %d failed: %s", e.Notebook, e.Cell, strings.Join(strings.Fields(e.Message), " "))
}

// Execute runs a notebook's cells on the GoNB kernel, in the notebook's folder. The notebook itself is not changed
// unless e says so. A cell that fails is a *CellError; then nothing is written.
//
// root is the clone; what Run brings must be there.
func Execute(ctx context.Context, root, notebook string, e Execution) error {
	s, err := newSite(root)
	if err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	request, err := request(notebook, e)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.python(), "-I", "-c", runner)
	cmd.Env = s.environment()
	separate(cmd)
	gentle(cmd, syscall.SIGINT) // it ends its kernel
	cmd.WaitDelay = 20 * time.Second
	cmd.Stdin = bytes.NewReader(request)
	var stderr tail
	cmd.Stderr = &stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed, done := listen(json.NewDecoder(events), notebook, e.Cell)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failed != nil:
		return failed
	case err != nil || !done:
		return fmt.Errorf("%s: Jupyter could not run it: %s", notebook, lastLine(append([]string{fmt.Sprint(err)},
			strings.Split(stderr.String(), "\n")...)))
	}
	return nil
}

// ready tells whether a notebook can be run.
func (s site) ready(ctx context.Context) error {
	if s.jupyterInstalled(ctx) && s.toolsInstalled() && s.kernelInstalled() {
		return nil
	}
	if ctx.Err() != nil { // then nothing was found out
		return context.Cause(ctx)
	}
	return errors.New("JupyterLab and the Go kernel are not set up yet; gonbviz setup does it")
}

// request is what runner.py is told.
func request(notebook string, e Execution) ([]byte, error) {
	paths := map[string]string{"notebook": notebook, "html": e.HTML, "save": e.SaveTo}
	for name, path := range paths {
		if path == "" {
			continue
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		paths[name] = absolute
	}
	return json.Marshal(paths)
}

// listen hears runner.py to its end.
func listen(events *json.Decoder, notebook string, cell func(cell, total int)) (failed error, done bool) {
	for {
		var event struct {
			Event       string
			Cell, Total int
			Message     string
		}
		if err := events.Decode(&event); err != nil {
			return failed, done
		}
		switch event.Event {
		case "cell":
			if cell != nil {
				cell(event.Cell, event.Total)
			}
		case "failed":
			failed = &CellError{notebook, event.Cell, event.Message}
		case "error":
			failed = fmt.Errorf("%s: %s", notebook, event.Message)
		case "done":
			done = true
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	const most = 64 << 10
	if t.Len()+len(p) > 2*most {
		t.Next(max(0, t.Len()-most))
	}
	return t.Buffer.Write(p[max(0, len(p)-most):])
}

// HTMLPath is the page's place in dir for a notebook: its name, ending in .html.
func HTMLPath(dir, notebook string) string {
	base := filepath.Base(notebook)
	return filepath.Join(dir, strings.TrimSuffix(base, filepath.Ext(base))+".html")
}

// CheckNotebook says in one line why a file can't be a notebook, before anything is started for it.
func CheckNotebook(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: is a folder, not a file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var notebook struct {
		Cells  []json.RawMessage `json:"cells"`
		Format int               `json:"nbformat"`
	}
	if err := json.Unmarshal(text, &notebook); err != nil || notebook.Format == 0 {
		return fmt.Errorf("%s is not a Jupyter notebook", path)
	}
	return nil
}
