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
	// idle bounds the time without a line of output, where silence means that the network is dead; 0 doesn't.
	idle time.Duration
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
	alive := func() {}
	if c.idle > 0 {
		watch := time.AfterFunc(c.idle, func() { cancel(fmt.Errorf("no answer for %v", c.idle)) })
		defer watch.Stop()
		alive = func() { watch.Reset(c.idle) }
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
		alive()
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
