package setup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is how JupyterLab is started; its zero value opens the browser, on the first free port from 8888 on.
type Server struct {
	// Folder that JupyterLab shows; empty: the clone's notebooks.
	Folder string
	// NoBrowser opens none.
	NoBrowser bool
	// Port, 0: the first free one from 8888 on.
	Port int
	// State is the folder in which JupyterLab keeps settings, and which notebooks are trusted; empty: one in ours.
	State string
	// Arguments are further ones to JupyterLab.
	Arguments []string
	// Log takes what JupyterLab warns of; nil: nobody.
	Log io.Writer
	// Ready is told the address, with its token, once JupyterLab answers there.
	Ready func(address string)
}

// Lab runs JupyterLab until ctx ends, which is no error. root is the clone; what Run brings must be there.
func Lab(ctx context.Context, root string, l Server) error {
	s, err := newSite(root)
	if err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := portFree(l.Port); err != nil {
		return err
	}
	if l.State != "" {
		s.user = l.State
	}
	if l.Folder == "" {
		l.Folder = filepath.Join(root, "notebooks")
	}
	token := os.Getenv("JUPYTER_TOKEN")
	if token == "" {
		token = newToken()
	}
	cmd := exec.CommandContext(ctx, s.python(), s.labArguments(l)...)
	cmd.Dir = l.Folder
	cmd.Env = append(s.environment(), "JUPYTER_TOKEN="+token)
	var log tail
	cmd.Stderr = &log
	if l.Log != nil {
		cmd.Stderr = io.MultiWriter(&log, untilDone{ctx, l.Log})
	}
	separate(cmd)
	gentle(cmd, syscall.SIGTERM) // it ends its kernels, and asks no question as it would on an interrupt
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go s.announce(waiting, cmd.Process.Pid, token, l.Ready)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return nil
	}
	last := logPrefix.ReplaceAllString(lastLine(strings.Split(log.String(), "\n")), "")
	return fmt.Errorf("JupyterLab ended by itself (%v): %s", err, last)
}

// portFree says that a port is taken, which Jupyter would say in several lines; 0 is none.
func portFree(port int) error {
	if port == 0 {
		return nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d can't be had (%w); choose another, or leave out --port for the first that is free", port, errors.Unwrap(err))
	}
	return listener.Close()
}

// logPrefix is what Jupyter puts before each line of its log.
var logPrefix = regexp.MustCompile(`^\[\w [\d-]+ [\d:.]+ \w+\] (ERROR: )?`)

// untilDone passes on what is written until ctx ends; then what a server says of its end is of no interest.
type untilDone struct {
	ctx context.Context
	out io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return len(p), nil
	}
	return u.out.Write(p)
}

func newToken() string {
	var random [24]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

func (s site) labArguments(l Server) []string {
	args := []string{
		"-I", "-m", "jupyterlab", "--ServerApp.log_level=WARN", "--LabApp.log_level=WARN",
		"--ServerApp.ip=127.0.0.1",
		"--ServerApp.root_dir=" + l.Folder,
		"--MultiKernelManager.default_kernel_name=" + kernelName,
		// Nothing is fetched, asked or reported anywhere while it runs.
		"--LabApp.news_url=",
		"--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
		"--LabApp.extension_manager=readonly",
	}
	if l.Port != 0 {
		args = append(args, "--ServerApp.port="+strconv.Itoa(l.Port), "--ServerApp.port_retries=0")
	}
	if l.NoBrowser {
		args = append(args, "--no-browser")
	}
	if first := "first_look.ipynb"; fileExists(filepath.Join(l.Folder, first)) {
		args = append(args, "--LabApp.default_url=/lab/tree/"+first)
	}
	if os.Getuid() == 0 {
		args = append(args, "--allow-root")
	}
	return append(args, l.Arguments...)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// announce tells ready the server's address once it answers.
func (s site) announce(ctx context.Context, pid int, token string, ready func(string)) {
	if ready == nil {
		return
	}
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if address, err := s.address(ctx, pid); err == nil {
			ready(address + "lab?token=" + token)
			return
		}
	}
}

// address is the running server's, which it writes to a file when its port is known.
func (s site) address(ctx context.Context, pid int) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.user, "runtime", fmt.Sprintf("jpserver-%d.json", pid)))
	if err != nil {
		return "", err
	}
	var server struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(text, &server); err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"api", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status)
	}
	return server.URL, nil
}
