package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/internal/cache"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// TestMain keeps the tests from the results that the user has, and from leaving any.
func TestMain(m *testing.M) {
	os.Setenv(gonbviz.NoCacheEnv, "1")
	os.Exit(m.Run())
}

// filled is a cache in a folder of its own with two results.
func filled(t *testing.T) *cache.Cache {
	t.Helper()
	home := t.TempDir()
	t.Setenv(plugin.HomeEnv, home)
	results := cache.In(home)
	for _, name := range []string{"first", "second\x1b[31m"} {
		d := cache.NewDigest()
		d.AddText("name", name)
		if err := results.Put(d.Key(), name, make([]byte, 2000)); err != nil {
			t.Fatal(err)
		}
	}
	return results
}

func TestCache(t *testing.T) {
	filled(t)
	call := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append([]string{"cache"}, args...), &stdout, &stderr); status != statusDone || stderr.Len() > 0 {
			t.Errorf("%q: status %d: %s", args, status, stderr.String())
		}
		return stdout.String()
	}
	list := call()
	if !strings.Contains(list, "first") || !strings.Contains(list, `second\x1b[31m`) || !strings.Contains(list, "2 results, ") {
		t.Errorf("list:\n%s", list)
	}
	var document cacheDocument
	if err := json.Unmarshal([]byte(call("list", "--json")), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Results) != 2 || document.Size != document.Results[0].Size+document.Results[1].Size || document.Limit != cache.DefaultLimit || document.Problem != "" {
		t.Errorf("%+v", document)
	}
	if got := call("--limit", "3kB"); !strings.Contains(got, "1 result, ") || !strings.Contains(got, "of at most 3.0 kB") {
		t.Errorf("with a limit:\n%s", got)
	}
	if got := call("clear"); !strings.HasPrefix(got, "removed 1 result, ") {
		t.Errorf("clear: %s", got)
	}
	if got := call("list"); !strings.HasPrefix(got, "0 results, 0 B of at most 3.0 kB") {
		t.Errorf("after it:\n%s", got)
	}
}

func TestCacheWrongCalls(t *testing.T) {
	filled(t)
	for _, args := range [][]string{{"nonsense"}, {"list", "clear"}, {"--limit", "much"}, {"--limit", "-1"}, {"clear", "--json"}, {"clear", "--limit", "1MB"}, {"--bogus"}} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), append([]string{"cache"}, args...), &stdout, &stderr)
		if status != statusUsage || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: status %d: %s%s", args, status, stdout.String(), stderr.String())
		}
	}
}

// TestCacheSettings tells why another limit holds than the one that was kept.
func TestCacheSettings(t *testing.T) {
	home := t.TempDir()
	t.Setenv(plugin.HomeEnv, home)
	file := filepath.Join(home, "settings.json")
	for text, problem := range map[string]bool{"{": true, `{"cache_limit": "x"}`: true, `{"cache_limit": -1}`: true, `{}`: false, "null": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list := call(t, "cache")
		if said := strings.Contains(list, file+" can't be read"); said != problem || !strings.Contains(list, "of at most 500 MB") {
			t.Errorf("%s: %s", text, list)
		}
	}
	if list := call(t, "cache --limit 3kB"); strings.Contains(list, "can't be read") || !strings.Contains(list, "of at most 3.0 kB") {
		t.Errorf("after another limit: %s", list)
	}
}

// TestCacheMakesNothing lists a cache that is not there yet.
func TestCacheMakesNothing(t *testing.T) {
	home := filepath.Join(t.TempDir(), "not", "there")
	t.Setenv(plugin.HomeEnv, home)
	if list := call(t, "cache"); !strings.HasPrefix(list, "0 results") || strings.Contains(list, "not kept") {
		t.Errorf("list: %s", list)
	}
	if _, err := os.Stat(filepath.Dir(home)); err == nil {
		t.Error("a folder was made")
	}
}

// TestCacheUnwritable has a file where the folder should be.
func TestCacheUnwritable(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(plugin.HomeEnv, home)
	for want, args := range map[string][]string{"new results are not kept": {"cache"}, "--limit can't be kept": {"cache", "--limit", "1MB"}} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), args, &stdout, &stderr)
		if said := stdout.String() + stderr.String(); !strings.Contains(said, want) || (status == statusDone) != (len(args) == 1) {
			t.Errorf("%q: status %d: %s", args, status, said)
		}
	}
}
