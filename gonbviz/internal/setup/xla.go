package setup

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// PluginSource is where set-up takes XLA's plugin from, if none is installed.
type PluginSource string

// The sources of the plugin.
const (
	// PluginAuto is PluginWheel where there is one for the machine, else PluginRelease.
	PluginAuto PluginSource = "auto"
	// PluginWheel is a package on PyPI, pinned by its hash; Linux on 64-bit Intel and AMD machines only.
	PluginWheel PluginSource = "wheel"
	// PluginRelease is go-xla's own release, which can't be checked: nothing says what its hash should be.
	PluginRelease PluginSource = "release"
	// PluginNone goes without.
	PluginNone PluginSource = "none"
)

// PluginSources are the values that a caller may choose from.
var PluginSources = []PluginSource{PluginAuto, PluginWheel, PluginRelease, PluginNone}

const (
	wheelText = "lammps-jax-pjrt-cpu 0.11.2 from PyPI, 62.7 MB, hash pinned: XLA's CPU plugin as the project lammps-jax " +
		"builds it, Apache-2.0"
	releaseText = "go-xla's own release from GitHub, about 60 MB, NOT checked against a hash, because its makers publish none"
)

// resolve says which of wheel and release is meant on this machine.
func (source PluginSource) resolve() (PluginSource, error) {
	hasWheel := runtime.GOOS == "linux" && runtime.GOARCH == "amd64"
	switch {
	case source == PluginAuto && hasWheel, source == PluginWheel && hasWheel:
		return PluginWheel, nil
	case source == PluginWheel:
		return "", fmt.Errorf("there is no wheel of the XLA plugin for %s/%s; try --plugin release", runtime.GOOS, runtime.GOARCH)
	}
	return PluginRelease, nil
}

// checkXLA says which plugin is installed, or why none can be used.
func checkXLA() (detail string, err error) {
	if plugin.Missing != "" {
		return "", errors.New(plugin.Missing)
	}
	path, err := plugin.Find("")
	if err == nil && path == "" {
		err = errors.New("no plugin installed; gonbviz setup gets one")
	}
	return path, err
}

func (s site) installXLA(ctx context.Context, r *reporter, source PluginSource) error {
	source, err := source.resolve()
	if err != nil {
		return err
	}
	if source == PluginWheel {
		err = s.installWheel(ctx, r)
	} else {
		url := fmt.Sprintf("https://github.com/gomlx/pjrt-cpu-binaries/releases/download/%s/pjrt_cpu_%s_%s.tar.gz",
			plugin.Release, runtime.GOOS, runtime.GOARCH)
		err = s.installRelease(ctx, r, url)
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("XLA's plugin: %w; --plugin none goes without it (%s)", err, plugin.Cost)
	}
	return err
}

// pluginFile is the plugin's place in our folder.
func pluginFile() (string, error) {
	dir, err := plugin.Dir()
	return filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"), err
}

// installWheel takes the plugin and its licences from the wheel; nothing of the wheel is run or installed.
func (s site) installWheel(ctx context.Context, r *reporter) error {
	r.stage("downloading 62.7 MB")
	list := filepath.Join(s.downloads, "plugin.txt")
	if err := s.download(ctx, r, list, pluginRequirement); err != nil {
		return err
	}
	r.stage("unpacking")
	wheels, err := filepath.Glob(filepath.Join(s.downloads, "lammps_jax_pjrt_cpu-*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("expected one wheel in %s, found %d", s.downloads, len(wheels))
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		return err
	}
	defer wheel.Close()
	target, err := pluginFile()
	if err != nil {
		return err
	}
	for _, file := range wheel.File {
		place, check := "", func(string) error { return nil }
		switch {
		case strings.HasSuffix(file.Name, "/pjrt_c_api_cpu_plugin.so"):
			place, check = target, plugin.Check
		case strings.Contains(file.Name, ".dist-info/licenses/"):
			place = filepath.Join(filepath.Dir(target), "licenses", filepath.Base(file.Name))
		default:
			continue
		}
		content, err := file.Open()
		if err != nil {
			return err
		}
		err = unpack(content, place, check)
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.downloads)
}

// maxPlugin bounds what is unpacked of one file; plugins for the CPU have some 200 MB.
const maxPlugin = 2 << 30

// unpack writes a file whole, and only if check finds nothing wrong with it, or not at all.
func unpack(content io.Reader, path string, check func(path string) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails where it was renamed, as it should
	size, err := io.Copy(temp, io.LimitReader(content, maxPlugin+1))
	if err == nil && size > maxPlugin {
		err = fmt.Errorf("%s is implausibly large", filepath.Base(path))
	}
	if err := errors.Join(err, temp.Chmod(0o755), temp.Close()); err != nil {
		return err
	}
	if err := check(temp.Name()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// installRelease unpacks the plugin while it is downloaded.
func (s site) installRelease(ctx context.Context, r *reporter, url string) error {
	body, size, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	counted := &countingReader{reader: body, count: func(done int64) { r.count(int(done>>20), int(size>>20), "MB") }}
	archive, err := gzip.NewReader(counted)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	target, err := pluginFile()
	if err != nil {
		return err
	}
	for files := tar.NewReader(archive); ; {
		file, err := files.Next()
		if err == io.EOF {
			return fmt.Errorf("%s holds no plugin", url)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		if file.Typeflag != tar.TypeReg || !strings.HasPrefix(plugin.Name(file.Name), "cpu") {
			continue
		}
		if filepath.Ext(file.Name) != ".so" {
			target = strings.TrimSuffix(target, ".so") + filepath.Ext(file.Name)
		}
		if err := unpack(files, target, plugin.Check); err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		return nil
	}
}

// patience is how long a server may keep silent.
const patience = 30 * time.Second

// get opens an address. It gives up where nothing answers, or nothing comes any more, for as long as patience lasts.
func get(ctx context.Context, url string) (body io.ReadCloser, size int64, err error) {
	dialer := net.Dialer{Timeout: patience}
	client := http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   patience,
		ResponseHeaderTimeout: patience,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return impatient{conn}, nil
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, 0, err // names the address by itself
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, 0, fmt.Errorf("%s: %s", url, response.Status)
	}
	return response.Body, response.ContentLength, nil
}

// impatient is a connection on which every single read has a bounded time.
type impatient struct{ net.Conn }

func (c impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

type countingReader struct {
	reader io.Reader
	done   int64
	count  func(done int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.done += int64(n)
	c.count(c.done)
	return n, err
}
