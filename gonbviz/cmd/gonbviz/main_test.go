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
	for words, args := range map[string][]string{
		`no command "nonsense"; there are: `:                           {"nonsense"},
		"run: it is called as gonbviz run NOTEBOOK... [flags]":         {"run"},
		"setup extra: it is called as gonbviz setup [flags]":           {"setup", "extra"},
		"predict extra: it is called as gonbviz predict [flags]":       {"predict", "extra"},
		"help predict extra: it is called as gonbviz help [command]":   {"help", "predict", "extra"},
		"cache clear extra: it is called as gonbviz cache [list|clear": {"cache", "clear", "extra"},
		"unknown flag: --no-such-flag":                                 {"setup", "--no-such-flag"},
		`--plugin "cuda\n": it is one of`:                              {"setup", "--plugin", "cuda\n"},
		`--port "x": give a whole number`:                              {"lab", "--port", "x"},
		"--port 70000: it is":                                          {"lab", "--port", "70000"},
		"--html: a/n.ipynb and":                                        {"run", "--html", "d", "a/n.ipynb", "b/n.ipynb"},
		`--batch "2.5": give a whole number`:                           {"occlusion", "--out", "o.svg", "--batch", "2.5"},
		`--keep "x": give a number`:                                    {"occlusion", "--out", "o.svg", "--keep", "x"},
		`--seed "-1": give a whole number from 0 on`:                   {"occlusion", "--out", "o.svg", "--seed", "-1"},
		`--quiet "x": give true or false`:                              {"models", "--quiet=x"},
		"--class is empty; give a value":                               {"occlusion", "--out", "o.svg", "--class", ""},
		"--unit is empty; give a value":                                {"occlusion", "--out", "o.svg", "--unit", ""},
		"--limit is empty; give a value":                               {"cache", "--limit", ""},
		"--html is empty; give a value":                                {"run", "--html", "", "main.go"},
		`run [""]: a notebook's name is empty`:                         {"run", ""},
	} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), args, &stdout, &stderr)
		if status != statusUsage || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "gonbviz: "+words) {
			t.Errorf("%q: status %d, standard error %q, output %q", args, status, stderr.String(), stdout.String())
		}
	}
}

func TestFailures(t *testing.T) {
	for words, args := range map[string][]string{
		`open no\x1bsuch.ipynb: no such file`: {"run", "no\x1bsuch.ipynb"}, "main.go is not a Jupyter notebook": {"run", "main.go"},
		"--html nowhere: no such folder": {"run", "--html", "nowhere", "main.go"}, ".: is a folder, not a file": {"run", "."},
	} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), args, &stdout, &stderr)
		if status != statusFailed || strings.Count(stderr.String(), "\n") != 1 || !strings.HasPrefix(stderr.String(), "gonbviz: "+words) {
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
	if got := []rune(errorLine(errors.New(strings.Repeat("x", 2000)))); len(got) != maxLine {
		t.Errorf("%d characters", len(got))
	}
}
