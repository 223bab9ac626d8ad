//go:build !cgo || noxla || !((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package plugin

// Missing says why XLA is not part of this program.
const Missing = "this program was built without XLA (it needs a C compiler, cgo, and a platform that XLA serves)"

// Release is the version of go-xla's plugin with which go-xla was tested; none without it.
var Release = ""

func systemPlugin(string) string { return "" }
