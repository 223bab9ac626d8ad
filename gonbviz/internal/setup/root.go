package setup

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

const moduleLine = "module github.com/convlens/convlens"

// Root walks up from dir to the clone of this library.
func Root(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := start; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && bytes.Contains(append([]byte("\n"), text...), []byte("\n"+moduleLine+"\n")) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s lies outside a clone of convlens; change to the clone's folder and try again", start)
		}
	}
}
