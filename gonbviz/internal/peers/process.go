package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// request is what a process is asked, for one network.
type request struct {
	// Do is "open", "forward", "occlusion", "profile" or "windows"; the fields below are those of each.
	Do      string `json:"do"`
	Network string `json:"network,omitempty"`
	Batch   int    `json:"batch,omitempty"`
	Runs    int    `json:"runs,omitempty"`
	Logits  bool   `json:"logits,omitempty"`
	Window  int    `json:"window,omitempty"`
	Stride  int    `json:"stride,omitempty"`
	// Limit ends an occlusion after that many positions; 0 does all.
	Limit int `json:"limit,omitempty"`
	// Exact is attrib.Occlusion's.
	Exact string `json:"exact,omitempty"`
}

// answer is what a process says to a request.
type answer struct {
	Error   string    `json:"error,omitempty"`
	Version string    `json:"version,omitempty"`
	Seconds []float64 `json:"seconds,omitempty"`
	// Compiling is how many of the seconds went into compiling.
	Compiling float64 `json:"compiling,omitempty"`
	Positions int     `json:"positions,omitempty"`
	Batch     int     `json:"batch,omitempty"`
	// Peak is the most memory that the process has held, in bytes.
	Peak   int64     `json:"peak,omitempty"`
	Values []float32 `json:"values,omitempty"`
	// Note says how the method went about it.
	Note string `json:"note,omitempty"`
	// Ratio is the static ratio of an incremental occlusion.
	Ratio float64 `json:"ratio,omitempty"`
	// Layers are what a profile found.
	Layers []layer `json:"layers,omitempty"`
	// Programs are what a profile of windows found: first the one that computes all as a whole.
	Programs []program `json:"programs,omitempty"`
	// Peak rate of a matrix product, in multiply-adds a second.
	Rate float64 `json:"rate,omitempty"`
}

// process is one library, measured in a process of its own.
type process struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	errors  bytes.Buffer
	version string
}

// settle is how long the machine rests between two processes' turns: the threads of a pool that just worked spin on.
const settle = 100 * time.Millisecond

// start begins a process that speaks JSON on its standard input and output.
func start(ctx context.Context, name string, args ...string) (*process, error) {
	p := &process{name: name, command: exec.CommandContext(ctx, args[0], args[1:]...)}
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.command.Stderr = &p.errors
	p.in, p.out = in, json.NewDecoder(bufio.NewReader(out))
	return p, p.command.Start()
}

// ask sends a request and waits for its answer.
func (p *process) ask(q request) (answer, error) {
	time.Sleep(settle)
	var a answer
	if err := json.NewEncoder(p.in).Encode(q); err != nil {
		return a, p.died(err)
	}
	if err := p.out.Decode(&a); err != nil {
		return a, p.died(err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %s", p.name, a.Error)
	}
	return a, nil
}

// died says why a process answers no more: the last line that it wrote.
func (p *process) died(err error) error {
	_ = p.command.Wait() // its end is what is reported
	lines := strings.Split(strings.TrimSpace(p.errors.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		err = errors.New(last)
	}
	return fmt.Errorf("%s: the process ended: %w", p.name, err)
}

// close ends the process.
func (p *process) close() {
	p.in.Close()
	_ = p.command.Wait() // killed or not, it is gone
}

// starter knows how to start each library's process.
type starter struct {
	python, script, folder string
}

// open starts a library's process and opens a network in it.
func (s starter) open(ctx context.Context, library, network string) (*process, error) {
	args := []string{s.python, s.script, library, s.folder}
	if library == ours {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		args = []string{own, "serve", s.folder}
	}
	p, err := start(ctx, library, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", library, err)
	}
	a, err := p.ask(request{Do: "open", Network: network})
	if err != nil {
		p.close()
		return nil, err
	}
	p.version = a.Version
	return p, nil
}
