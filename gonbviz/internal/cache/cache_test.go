package cache_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/cache"
)

// result is like what is kept.
type result struct {
	Words  []string
	Values []float32
	Labels map[int]string
	Plane  *plane
}

type plane struct{ H, W int }

func key(name string) cache.Key {
	d := cache.NewDigest()
	d.AddText("name", name)
	return d.Key()
}

func path(c *cache.Cache, k cache.Key) string {
	return filepath.Join(c.Folder(), hex.EncodeToString(k[:]))
}

func put(t testing.TB, c *cache.Cache, k cache.Key, value any) {
	t.Helper()
	if err := c.Put(k, "a result", value); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestKeep(t *testing.T) {
	c := cache.In(filepath.Join(t.TempDir(), "not", "there", "yet"))
	want := result{[]string{"a", ""}, []float32{1, float32(math.Copysign(0, -1)), float32(math.Inf(1)), math.SmallestNonzeroFloat32}, map[int]string{3: "three"}, &plane{1, 2}}
	var got result
	if c.Get(key("a"), &got) {
		t.Fatal("an empty cache has a result")
	}
	before := time.Now()
	put(t, c, key("a"), want)
	if !c.Get(key("a"), &got) || !reflect.DeepEqual(got, want) || !math.Signbit(float64(got.Values[1])) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if c.Get(key("b"), &got) {
		t.Error("a result under another key")
	}
	list, err := c.List()
	if err != nil || len(list) != 1 || list[0].Key != key("a") || list[0].What != "a result" || list[0].Made.Before(before) {
		t.Fatalf("list %+v, %v", list, err)
	}
	if removed, size, err := c.Clear(); removed != 1 || size != list[0].Size || err != nil || c.Get(key("a"), new(result)) {
		t.Errorf("cleared %d of %s, %v", removed, size, err)
	}
	if err := c.Writable(); err != nil {
		t.Error(err)
	}
}

// TestOthersFiles are left alone by whatever removes results.
func TestOthersFiles(t *testing.T) {
	c := cache.In(t.TempDir())
	put(t, c, key("a"), 1)
	other := filepath.Join(c.Folder(), "notes.txt")
	young, old := filepath.Join(c.Folder(), ".unfinished-1"), filepath.Join(c.Folder(), ".unfinished-2")
	for _, name := range []string{other, young, old} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Clear(); err != nil {
		t.Fatal(err)
	}
	if !exists(other) || !exists(young) || exists(old) {
		t.Errorf("notes %t, file being written %t, file given up %t", exists(other), exists(young), exists(old))
	}
}

// TestDamaged changes a file in every way: it must count as none, and go.
func TestDamaged(t *testing.T) {
	c := cache.In(t.TempDir())
	k := key("a")
	put(t, c, k, []float32{1, 2, 3})
	whole, err := os.ReadFile(path(c, k))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path(c, k), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.List(); err != nil {
			t.Errorf("%s: list: %v", what, err)
		}
		var got []float32
		if c.Get(k, &got) {
			t.Errorf("%s: taken for a result", what)
		}
		if exists(path(c, k)) {
			t.Errorf("%s: still there", what)
		}
	}
	for i := range whole {
		check("cut short", whole[:i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		check("a bit flipped", flipped)
	}
	check("longer", append(bytes.Clone(whole), 0))
	const words, payload = 8 + 32 + 8, 8 + 32 + 8 + 4 // where the head has the two lengths
	for _, claim := range []uint64{1 << 40, 1 << 62, 1<<63 - 1, math.MaxUint64, math.MaxUint64 - uint64(len(whole))} {
		huge := bytes.Clone(whole)
		binary.LittleEndian.PutUint64(huge[payload:], claim)
		check("huge payload", huge)
		binary.LittleEndian.PutUint32(huge[words:], math.MaxUint32)
		check("huge words", huge)
	}

	// A payload of less than nothing makes up for more words than there are.
	wrapped := bytes.Clone(whole[:payload+8])
	binary.LittleEndian.PutUint32(wrapped[words:], 100)
	binary.LittleEndian.PutUint64(wrapped[payload:], math.MaxUint64-99)
	sum := sha256.Sum256(wrapped)
	check("wrapped around", append(wrapped, sum[:]...))

	put(t, c, key("b"), []float32{4})
	b, err := os.ReadFile(path(c, key("b")))
	if err != nil {
		t.Fatal(err)
	}
	check("another's", b)

	put(t, c, k, "words")
	var numbers []float32
	if c.Get(k, &numbers) || exists(path(c, k)) {
		t.Error("a result of another type is taken")
	}
	if err := os.Mkdir(path(c, k), 0o700); err != nil {
		t.Fatal(err)
	}
	if c.Get(k, &numbers) {
		t.Error("a folder is taken for a result")
	}
}

func TestRefused(t *testing.T) {
	c := cache.In(t.TempDir())
	for what, value := range map[string]any{
		"NaN":           []float32{float32(math.NaN())},
		"a function":    struct{ F func() }{func() {}},
		"hidden fields": struct{ A, b int }{1, 2},
		"an empty list": struct{ A []int }{[]int{}}, // which would come back as none
	} {
		if err := c.Put(key(what), what, value); err == nil {
			t.Errorf("%s was kept", what)
		}
	}
	if list, _ := c.List(); len(list) > 0 {
		t.Errorf("left %+v", list)
	}
}

// TestEviction has room for three results: the one not used for longest goes.
func TestEviction(t *testing.T) {
	c := cache.In(t.TempDir())
	value := make([]byte, 10_000)
	if err := c.SetLimit(35_000); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	for i, name := range []string{"a", "b", "c"} {
		put(t, c, key(name), value)
		used := past.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(path(c, key(name)), used, used); err != nil {
			t.Fatal(err)
		}
	}
	if !c.Get(key("a"), new([]byte)) { // now the youngest
		t.Fatal("a is gone")
	}
	left := func() (names string) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			if exists(path(c, key(name))) {
				names += name
			}
		}
		return names
	}
	put(t, c, key("d"), value)
	if got := left(); got != "acd" {
		t.Errorf("left are %s, want a, c and d", got)
	}
	if err := c.Put(key("e"), "too large", make([]byte, 40_000)); err == nil || left() != "acd" {
		t.Errorf("a result beyond the limit: %v; left are %s", err, left())
	}
	if err := c.SetLimit(12_000); err != nil || left() != "d" {
		t.Errorf("limit of one: %v; left are %s", err, left())
	}
	if err := c.SetLimit(0); err != nil || left() != "" || c.Put(key("a"), "", value) == nil {
		t.Errorf("limit of none: %v; left are %s", err, left())
	}
}

func TestLimit(t *testing.T) {
	home := t.TempDir()
	c := cache.In(home)
	if c.Limit() != cache.DefaultLimit {
		t.Errorf("limit %s", c.Limit())
	}
	settings := filepath.Join(home, "settings.json")
	for _, text := range []string{`{"cache_limit": -1}`, `{"cache_limit": "x"}`, `{`, ``, `[]`, `null`} {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c.Limit() != cache.DefaultLimit {
			t.Errorf("limit of %q: %s", text, c.Limit())
		}
		if err := c.SetLimit(123); err != nil || cache.In(home).Limit() != 123 {
			t.Errorf("limit set after %q: %s, %v", text, c.Limit(), err)
		}
	}
	if err := os.WriteFile(settings, []byte(`{"other": {"kept": true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.SetLimit(5); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(settings); !strings.Contains(string(text), `"kept": true`) {
		t.Errorf("another setting was lost: %s", text)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]cache.Size{
		"0": 0, "200MB": 200e6, "1.5 GB": 1.5e9, " 3kb ": 3e3, "12": 12, "7B": 7,
		"": -1, "MB": -1, "-1": -1, "1MiB": -1, "NaN": -1, "inf": -1, "1e300": -1, "x": -1,
	} {
		got, err := cache.ParseSize(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
	for size, want := range map[cache.Size]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_960: "1.0 MB", 12_345_678: "12 MB", 2.34e9: "2.3 GB"} {
		if got := size.String(); got != want {
			t.Errorf("%d is %q, want %q", size, got, want)
		}
	}
}

// TestUnwritable has a file where a folder should be, and folders that may not be written.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	homes := []string{file, filepath.Join(file, "below")}
	if os.Getuid() > 0 && runtime.GOOS != "windows" { // root may write anywhere
		locked := filepath.Join(dir, "locked")
		if err := os.Mkdir(locked, 0o500); err != nil {
			t.Fatal(err)
		}
		homes = append(homes, locked)
	}
	for _, home := range homes {
		c := cache.In(home)
		if c.Put(key("a"), "", 1) == nil || c.Get(key("a"), new(int)) || c.Writable() == nil || c.SetLimit(1) == nil {
			t.Errorf("%s can be written", home)
		}
		if c.Limit() != cache.DefaultLimit {
			t.Errorf("limit %s", c.Limit())
		}
	}
}

// TestReadable reads from a folder that may not be written.
func TestReadable(t *testing.T) {
	c := cache.In(t.TempDir())
	put(t, c, key("a"), 5)
	if err := os.Chmod(c.Folder(), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(c.Folder(), 0o700) })
	var got int
	if !c.Get(key("a"), &got) || got != 5 {
		t.Errorf("got %d", got)
	}
}

func BenchmarkGet(b *testing.B) {
	c := cache.In(b.TempDir())
	put(b, c, key("a"), make([]float32, 227*227)) // a heatmap
	for b.Loop() {
		if !c.Get(key("a"), new([]float32)) {
			b.Fatal("gone")
		}
	}
}
