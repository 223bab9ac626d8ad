// Package cache keeps results on disk, so that nothing is computed twice.
//
// A result lies in a file of its own, named after its Key: a digest of all that made it. Files appear whole, under
// their name, or not at all, and carry a checksum: a file that was cut short or damaged counts as none and is removed.
// So any number of processes may read, write, and clear at once without a lock. When the files outgrow a limit, those
// go that were not used for longest.
//
// What lies on disk is numbers and words; nothing of it is ever run.
package cache

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Cache is a folder of results. The zero value is not usable; see In.
type Cache struct{ home string }

// In is the cache below home, which need not exist.
func In(home string) *Cache { return &Cache{home} }

// Folder holds the results.
func (c *Cache) Folder() string { return filepath.Join(c.home, "results") }

// Entry is a result in the cache.
type Entry struct {
	Key Key
	// What the result is, in words.
	What string
	// Size of its file.
	Size Size
	// Made is when it was put there, Used when it was last asked for.
	Made, Used time.Time
}

// staleAfter is the age at which a file that was never finished belongs to no one any more.
const staleAfter = time.Hour

// unfinished is what names of files begin with that are being written.
const unfinished = ".unfinished-"

func (c *Cache) path(key Key) string { return filepath.Join(c.Folder(), hex.EncodeToString(key[:])) }

// Get reads the result under key into the variable that into points to, which must be zero and of the type that was
// put there. It reports whether there is one; of into there is no more to be said where there is none.
func (c *Cache) Get(key Key, into any) bool {
	path := c.path(key)
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	payload, err := readFile(file, key, c.Limit())
	file.Close()
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(payload)).Decode(into)
	}
	if err != nil {
		os.Remove(path)
		return false
	}
	touch(path)
	return true
}

// Put keeps a result, described in words, under key. A value that would come back as another one is refused: one that
// holds NaN, functions, or fields that are not exported.
func (c *Cache) Put(key Key, what string, value any) error {
	var payload bytes.Buffer
	if err := gob.NewEncoder(&payload).Encode(value); err != nil {
		return err
	}
	back := reflect.New(reflect.TypeOf(value))
	if err := gob.NewDecoder(bytes.NewReader(payload.Bytes())).Decode(back.Interface()); err != nil {
		return err
	}
	if !reflect.DeepEqual(back.Elem().Interface(), value) {
		return fmt.Errorf("a %T that can't be kept as it is", value)
	}
	data := file(key, time.Now(), what, payload.Bytes())
	limit := c.Limit()
	if Size(len(data)) > limit {
		return fmt.Errorf("a result of %s is beyond the limit of %s", Size(len(data)), limit)
	}
	if err := c.write(c.path(key), data); err != nil {
		return err
	}
	c.evict(limit)
	return nil
}

// write makes a file appear whole.
func (c *Cache) write(path string, data []byte) error {
	if err := os.MkdirAll(c.Folder(), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(c.Folder(), unfinished)
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Close())
	touch(temporary.Name())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}

// touch notes that a file is used now. The time that the system itself gives a new file may be some milliseconds old.
// Where it fails the result is taken for older than it is, and goes the earlier.
func touch(path string) {
	now := time.Now()
	os.Chtimes(path, now, now)
}

// Writable reports why results can't be kept; nil where they can. It makes no folder: where the cache has none yet it
// looks at the one in which that would be made.
func (c *Cache) Writable() error {
	folder := c.Folder()
	for {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) || folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	probe, err := os.CreateTemp(folder, unfinished)
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// found is a file of the cache as the folder lists it.
type found struct {
	name string
	key  Key
	size Size
	used time.Time
}

// files lists the files with results, the one not used for longest first, and removes what was never finished.
func (c *Cache) files() ([]found, error) {
	listed, err := os.ReadDir(c.Folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []found
	for _, entry := range listed {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() { // gone by now, or not ours
			continue
		}
		name := filepath.Join(c.Folder(), entry.Name())
		if strings.HasPrefix(entry.Name(), unfinished) && time.Since(info.ModTime()) > staleAfter {
			os.Remove(name)
		}
		key, err := hex.DecodeString(entry.Name())
		if err == nil && len(key) == len(Key{}) {
			list = append(list, found{name, Key(key), Size(info.Size()), info.ModTime()})
		}
	}
	slices.SortStableFunc(list, func(a, b found) int {
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.name, b.name))
	})
	return list, nil
}

// evict removes results until the rest is within the limit: those that are beyond it by themselves, then those that were
// not used for longest.
func (c *Cache) evict(limit Size) {
	list, err := c.files()
	if err != nil {
		return
	}
	var total Size
	for _, f := range list {
		total += f.size
	}
	for _, tooLarge := range []bool{true, false} {
		for _, f := range list {
			if total > limit && (f.size > limit) == tooLarge {
				os.Remove(f.name) // what can't be removed is no reason to remove more
				total -= f.size
			}
		}
	}
}

// List gives the results, the one last used first. Damaged files are left out.
func (c *Cache) List() ([]Entry, error) {
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, f := range slices.Backward(files) {
		if made, what, err := readHead(f.name, f.key); err == nil {
			list = append(list, Entry{f.key, what, f.size, made, f.used})
		}
	}
	return list, nil
}

// Clear removes all results and says how many those were and how large.
func (c *Cache) Clear() (removed int, size Size, err error) {
	list, err := c.files()
	if err != nil {
		return 0, 0, err
	}
	for _, f := range list {
		if failed := os.Remove(f.name); failed == nil {
			removed++
			size += f.size
		} else if !errors.Is(failed, fs.ErrNotExist) { // another process was first
			err = failed
		}
	}
	return removed, size, err
}
