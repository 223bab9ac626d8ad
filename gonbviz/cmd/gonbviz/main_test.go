package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongCalls(t *testing.T) {
	for _, args := range [][]string{
		{"nonsense"}, {"run"}, {"setup", "extra"}, {"setup", "--no-such-flag"}, {"setup", "--plugin", "cuda\n"},
		{"lab", "--port", "x"}, {"lab", "--port", "70000"}, {"run", "--html", "d", "a/n.ipynb", "b/n.ipynb"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), args, &stdout, &stderr)
		if status != statusUsage || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("%q: status %d, standard error %q, output %q", args, status, stderr.String(), stdout.String())
		}
	}
}

func TestFailures(t *testing.T) {
	for _, args := range [][]string{{"run", "no\x1bsuch.ipynb"}, {"run", "main.go"}, {"run", "--html", "nowhere", "main.go"}} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), args, &stdout, &stderr)
		if status != statusFailed || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "\x1b") {
			t.Errorf("%q: status %d, standard error %q", args, status, stderr.String())
		}
	}
}

// TestSignal: what a signal's context gives as its cause is said as any other interruption.
func TestSignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("interrupt signal received"))
	var stderr bytes.Buffer
	notebook := filepath.Join("..", "..", "internal", "setup", "testdata", "passing.ipynb")
	if status := run(ctx, []string{"run", notebook}, io.Discard, &stderr); status != statusFailed || stderr.String() != "gonbviz: interrupted\n" {
		t.Errorf("status %d, standard error %q", status, stderr.String())
	}
}

func TestErrorLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                "gonbviz: plain",
		"two\nlines\x07\u009b": `gonbviz: two\nlines\a\u009b`,
		"a\u202eb":             `gonbviz: a\u202eb`,
		"é 北":                  "gonbviz: é 北",
	} {
		if got := errorLine(errors.New(text)); got != want {
			t.Errorf("errorLine(%q) = %q, want %q", text, got, want)
		}
	}
	if got := []rune(errorLine(errors.New(strings.Repeat("x", 2000)))); len(got) != maxErrorLine {
		t.Errorf("%d characters", len(got))
	}
}
