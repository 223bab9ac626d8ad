package gonbviz

import "embed"

// source is the text, as it was compiled, of the packages below this one whose code decides what a result is. A result
// that is kept on disk is known by it, among other things: whoever changes the code, in a clone without any version,
// gets other results and not yesterday's.
//
//go:embed gonbviz.go results.go attrib/*.go field/*.go pixel/*.go probe/*.go internal/record/*.go
//go:embed internal/windowed/*.go internal/windowed/plan/*.go
//go:embed progress/*.go internal/cache/*.go internal/plugin/*.go internal/quiet/*.go
var source embed.FS
