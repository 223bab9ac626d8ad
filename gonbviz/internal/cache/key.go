package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Key stands for a result: a digest of all that made it.
type Key [sha256.Size]byte

// Digest collects what made a result. Each part has a name and stands by itself: no two lists of parts make one digest.
type Digest struct{ hash hash.Hash }

// NewDigest is a Digest of nothing yet.
func NewDigest() *Digest { return &Digest{sha256.New()} }

// Add adds a part.
func (d *Digest) Add(name string, value []byte) {
	d.AddText(name, "")
	d.part(value)
}

// AddText adds words as a part.
func (d *Digest) AddText(name, value string) {
	d.part([]byte(name))
	d.part([]byte(value))
}

func (d *Digest) part(data []byte) {
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(len(data)))
	d.hash.Write(size[:])
	d.hash.Write(data)
}

// AddFloats adds numbers as a part.
func (d *Digest) AddFloats(name string, values []float32) {
	data, err := binary.Append(make([]byte, 0, 4*len(values)), binary.LittleEndian, values)
	if err != nil {
		panic(err) // there is no float32 that has no bytes
	}
	d.Add(name, data)
}

// Key is the digest of the parts.
func (d *Digest) Key() Key { return Key(d.hash.Sum(nil)) }

// Describe writes plain data, with the names of its types and fields, such that different data never reads alike. It
// reports false where the value is not all there is to be known: for pointers, functions that are not nil, maps and
// channels, and for types of packages other than those named.
func Describe(value any, packages ...string) (string, bool) {
	var b strings.Builder
	ok := describe(&b, reflect.ValueOf(value), packages)
	return b.String(), ok
}

func describe(b *strings.Builder, v reflect.Value, packages []string) bool {
	if !v.IsValid() {
		b.WriteString("nil")
		return true
	}
	t := v.Type()
	// A type made of other ones ("Of[main.T]") may bring code from elsewhere.
	if t.PkgPath() != "" && (!slices.Contains(packages, t.PkgPath()) || strings.Contains(t.Name(), "[")) {
		return false
	}
	if t.Name() != "" {
		b.WriteString(t.PkgPath() + "." + t.Name())
	}
	switch v.Kind() {
	case reflect.Bool:
		fmt.Fprintf(b, "(%t)", v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprintf(b, "(%d)", v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		fmt.Fprintf(b, "(%d)", v.Uint())
	case reflect.Float32, reflect.Float64:
		b.WriteString("(" + strconv.FormatFloat(v.Float(), 'g', -1, 64) + ")")
	case reflect.String:
		fmt.Fprintf(b, "(%q)", v.String())
	case reflect.Interface:
		return describe(b, v.Elem(), packages)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			b.WriteString("nil")
			return true
		}
		fmt.Fprintf(b, "[%d:", v.Len())
		for i := range v.Len() {
			if !describe(b, v.Index(i), packages) {
				return false
			}
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			b.WriteString(t.Field(i).Name + ":")
			if !describe(b, v.Field(i), packages) {
				return false
			}
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case reflect.Func:
		if !v.IsNil() {
			return false
		}
		b.WriteString("nil")
	default:
		return false
	}
	return true
}
