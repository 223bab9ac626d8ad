package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// command is another program, run to its end.
type command struct {
	dir  string
	env  []string
	args []string
	// idle bounds the time in which neither a line comes nor measure changes, which says that a network is dead; 0
	// doesn't.
	idle    time.Duration
	measure func() int64
	// line hears every line of output, standard error included.
	line func(string)
}

// lastLines bounds what is kept of a program's output to say why it failed.
const lastLines = 200

// run gives the program's last lines. The program is stopped, with all that it started, when ctx ends.
func (c command) run(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, c.env
	separate(cmd)
	cmd.WaitDelay = 5 * time.Second
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	beat := make(chan struct{}, 1)
	if c.idle > 0 {
		go c.watch(ctx, beat, cancel)
	}
	waited := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		writer.Close()
		waited <- err
	}()
	var kept []string
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		select {
		case beat <- struct{}{}:
		default: // one beat more says nothing more
		}
		kept = append(kept, lines.Text())
		kept = kept[max(0, len(kept)-lastLines):]
		if c.line != nil {
			c.line(lines.Text())
		}
	}
	reader.CloseWithError(lines.Err()) // an endless line ends the program rather than blocking it
	err := <-waited
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	return kept, err
}

// watch ends a program that shows no sign of life for too long.
func (c command) watch(ctx context.Context, beat <-chan struct{}, cancel context.CancelCauseFunc) {
	var last int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat:
			continue
		case <-time.After(c.idle):
		}
		now := last
		if c.measure != nil {
			now = c.measure()
		}
		if now == last {
			cancel(fmt.Errorf("no answer for %v", c.idle))
			return
		}
		last = now
	}
}

// ask gives the first line that a short question to another program prints.
func ask(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			err = errors.New(lastLine(strings.Split(string(exit.Stderr), "\n")))
		}
		return "", err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}

// lastLine is the last line that says something.
func lastLine(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" {
			return line
		}
	}
	return ""
}
