//go:build !cgo || noxla || !((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package plugin

// missing says why XLA is not part of this program.
const missing = "this program was built without XLA (it needs a C compiler, cgo, and a platform that XLA serves)"

func systemPlugin(string) string { return "" }
