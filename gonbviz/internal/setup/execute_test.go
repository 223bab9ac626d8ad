package setup

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
)

// installed gives the clone, or ends the test where set-up was not run.
func installed(t *testing.T) (root string) {
	t.Helper()
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(t.Context()); err != nil {
		testbackend.Skip(t, err.Error())
	}
	return root
}

func TestExecute(t *testing.T) {
	root := installed(t)
	notebook := filepath.Join("testdata", "passing.ipynb")
	before, err := os.ReadFile(notebook)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var cells []int
	execution := Execution{
		HTML: HTMLPath(dir, notebook), SaveTo: filepath.Join(dir, "saved.ipynb"),
		Cell: func(cell, total int) { cells = append(cells, cell, total) },
	}
	if err := Execute(t.Context(), root, notebook, execution); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(notebook); err != nil || string(after) != string(before) {
		t.Errorf("the notebook itself changed (%v)", err)
	}
	if len(cells) != 6 || cells[4] != 3 || cells[5] != 3 {
		t.Errorf("cells reported: %v", cells)
	}
	if saved, err := os.ReadFile(execution.SaveTo); err != nil || !strings.Contains(string(saved), "[0 0 7 0]") {
		t.Errorf("saved notebook lacks the output (%v):\n%s", err, saved)
	}
	page, err := os.ReadFile(execution.HTML)
	if err != nil || !strings.Contains(string(page), "[0 0 7 0]") {
		t.Fatalf("page lacks the output (%v)", err)
	}
	loads := regexp.MustCompile(`<script[^>]+src|<link[^>]+href|import\(|@import|url\(["']?https?:`)
	if found := loads.FindAllString(string(page), -1); found != nil {
		t.Errorf("the page loads from elsewhere: %q", found)
	}
}

func TestExecuteFailing(t *testing.T) {
	root := installed(t)
	for name, want := range map[string]CellError{
		"compile_error.ipynb": {Cell: 2, Message: "line 2: undefined: neverDeclared"},
		"exit_status.ipynb":   {Cell: 1, Message: `layer "conv9" does not exist; nearest: conv1`},
	} {
		notebook := filepath.Join("testdata", name)
		page := HTMLPath(t.TempDir(), notebook)
		err := Execute(t.Context(), root, notebook, Execution{HTML: page})
		var failed *CellError
		if !errors.As(err, &failed) || failed.Cell != want.Cell || failed.Message != want.Message || failed.Notebook != notebook {
			t.Errorf("%s: %v", name, err)
		}
		if fileExists(page) {
			t.Errorf("%s: a page was written", name)
		}
	}
}

func TestExecuteInterrupted(t *testing.T) {
	root := installed(t)
	ctx, cancel := context.WithCancel(t.Context())
	execution := Execution{Cell: func(int, int) { cancel() }}
	began := time.Now()
	err := Execute(ctx, root, filepath.Join("testdata", "passing.ipynb"), execution)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 15*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestPortFree(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := portFree(port); err == nil || !strings.Contains(err.Error(), "leave out --port") {
		t.Errorf("a port that is taken: %v", err)
	}
	listener.Close()
	if err := portFree(port); err != nil {
		t.Errorf("a free port: %v", err)
	}
}

func TestLab(t *testing.T) {
	root := installed(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	address := ""
	err := Lab(ctx, root, Server{NoBrowser: true, Folder: t.TempDir(), Ready: func(a string) { address = a; cancel() }})
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:") || !strings.Contains(address, "/lab?token=") {
		t.Errorf("address %q, %v", address, err)
	}
}
