// Package convlens carries the source text of those of its packages whose code decides what a result is. A result that
// is kept on disk is known by it, among other things: whoever changes the code, in a clone without any version, gets
// other results and not yesterday's. The library itself is the package gonbviz.
package convlens

import "embed"

// Source is the text that was compiled, not what lies in the folder of the clone by now.
//
//go:embed gonbviz/gonbviz.go gonbviz/results.go gonbviz/attrib/*.go gonbviz/field/*.go gonbviz/pixel/*.go
//go:embed gonbviz/probe/*.go gonbviz/probe/internal/record/*.go gonbviz/progress/*.go
//go:embed gonbviz/internal/cache/*.go gonbviz/internal/plugin/*.go gonbviz/internal/quiet/*.go models/*.go models/weights/*.go
var Source embed.FS
