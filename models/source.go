package models

import "embed"

// Source is the text of this package, and of weights, as it was compiled. What is kept on disk of a result is known by the code that
// made it, among other things (see gonbviz/results.go).
//
//go:embed *.go weights/*.go
var Source embed.FS
