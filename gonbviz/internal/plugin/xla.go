//go:build cgo && !noxla && ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package plugin

import (
	"maps"
	"slices"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

// Missing says why XLA is not part of this program; empty where it is.
const Missing = ""

// Release is the version of go-xla's plugin for the CPU with which go-xla was tested.
var Release = pjrt.DefaultCPUVersion

// go-xla would download a plugin by itself, unchecked, the first time that one is wanted.
func init() { xla.EnableAutoInstall(false) }

// systemPlugin asks go-xla itself, which also looks where the system's loader does.
func systemPlugin(name string) string {
	paths := slices.Sorted(maps.Values(pjrt.AvailablePlugins()))
	if ranked := rank(paths, name); len(ranked) > 0 {
		return ranked[0]
	}
	return ""
}
