package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/internal/setup"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
)

func TestSetupCheckEmpty(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv(plugin.HomeEnv, home)
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"setup", "--check", "--json", "--plugin", "none"}, &stdout, &stderr)
	var parts []setup.Part
	if err := json.Unmarshal(stdout.Bytes(), &parts); err != nil || status != statusFailed {
		t.Fatalf("status %d, %v: %s%s", status, err, stdout.String(), stderr.String())
	}
	for _, part := range parts {
		installable := part.Name == "jupyter" || part.Name == "tools" || part.Name == "kernel" || part.Name == "library"
		if installable == part.OK() || part.Detail == "" {
			t.Errorf("%+v", part)
		}
	}
	if left, _ := filepath.Glob(home); left != nil {
		t.Error("--check made the folder")
	}
}

// setUp ends the test where something is missing that setup or lab would download.
func setUp(t *testing.T) {
	t.Helper()
	root, err := setup.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := setup.Check(t.Context(), root, setup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := missing(parts); err != nil {
		testbackend.Skip(t, err.Error()+"; gonbviz setup gets it")
	}
}

func TestSetupTwice(t *testing.T) {
	setUp(t)
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"setup"}, &stdout, &stderr)
	if status != statusDone || stderr.Len() > 0 || strings.Contains(stdout.String(), "missing") {
		t.Errorf("status %d: %s%s", status, stdout.String(), stderr.String())
	}
}

// until cancels once the text has been written.
type until struct {
	bytes.Buffer
	text   string
	cancel func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if strings.Contains(u.String(), u.text) {
		u.cancel()
	}
	return n, err
}

func TestLab(t *testing.T) {
	setUp(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stdout := &until{text: "Ctrl-C ends it.", cancel: cancel}
	var stderr bytes.Buffer
	status := run(ctx, []string{"lab", "--no-browser"}, stdout, &stderr)
	if status != statusDone || !strings.HasPrefix(stdout.String(), "JupyterLab is at http://127.0.0.1:") {
		t.Errorf("status %d: %s%s", status, stdout.String(), stderr.String())
	}
}

func TestRun(t *testing.T) {
	setUp(t)
	testdata := filepath.Join("..", "..", "internal", "setup", "testdata")
	page := t.TempDir()
	if status := run(t.Context(), []string{"run", "--html", page, filepath.Join(testdata, "passing.ipynb")}, io.Discard, io.Discard); status != statusDone {
		t.Errorf("a notebook that passes: status %d", status)
	}
	if pages, _ := filepath.Glob(filepath.Join(page, "passing.html")); len(pages) != 1 {
		t.Error("no page was written")
	}
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"run", filepath.Join(testdata, "compile_error.ipynb")}, io.Discard, &stderr)
	if want := "compile_error.ipynb: cell 2 failed: line 2: undefined: neverDeclared\n"; status != statusFailed || !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("a notebook that fails: status %d, %s", status, stderr.String())
	}
}
