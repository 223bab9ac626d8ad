package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// DefaultLimit bounds a cache whose user has said nothing.
const DefaultLimit Size = 500e6

var units = []struct {
	name  string
	bytes float64
}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// String is the size for people: "1.2 MB".
func (s Size) String() string {
	for _, u := range units {
		switch n := float64(s) / u.bytes; {
		case u.bytes > 1 && n >= 0.9995 && n < 9.95:
			return fmt.Sprintf("%.1f %s", n, u.name)
		case n >= 0.9995 || u.bytes == 1:
			return fmt.Sprintf("%.0f %s", n, u.name)
		}
	}
	return ""
}

// ParseSize reads a number of bytes, with or without a unit: "200MB", "1.5 GB", "0".
func ParseSize(text string) (Size, error) {
	number, scale := strings.TrimSpace(text), 1.0
	for _, u := range units {
		if cut := len(number) - len(u.name); cut > 0 && strings.EqualFold(number[cut:], u.name) {
			number, scale = strings.TrimSpace(number[:cut]), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) || n*scale > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size; write it as 200MB or 1.5GB", text)
	}
	return Size(math.Round(n * scale)), nil
}

// limitName is the limit's name among the settings.
const limitName = "cache_limit"

func (c *Cache) settingsFile() string { return filepath.Join(c.home, "settings.json") }

// settings are all that the file holds, whoever put it there; none where it can't be read.
func (c *Cache) settings() (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	text, err := os.ReadFile(c.settingsFile())
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return all, err
}

// Limit is the most that the results may take together.
func (c *Cache) Limit() Size {
	limit, _ := c.limit()
	return limit
}

// CheckSettings reports that the settings can't be read and DefaultLimit stands in for what they say.
func (c *Cache) CheckSettings() error {
	_, err := c.limit()
	return err
}

func (c *Cache) limit() (Size, error) {
	limit := DefaultLimit
	all, err := c.settings()
	if kept, found := all[limitName]; found {
		err = json.Unmarshal(kept, &limit)
	}
	if err == nil && limit < 0 {
		err = fmt.Errorf("a limit of %d", limit)
	}
	if err != nil {
		return DefaultLimit, fmt.Errorf("the settings in %s can't be read (%w)", c.settingsFile(), err)
	}
	return limit, nil
}

// SetLimit keeps a limit in the settings, for this and later programs, and removes what is beyond it. With 0 nothing is
// kept.
func (c *Cache) SetLimit(limit Size) error {
	all, _ := c.settings() // what can't be read is written anew
	all[limitName] = json.RawMessage(strconv.FormatInt(int64(limit), 10))
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := c.write(c.settingsFile(), append(text, '\n')); err != nil {
		return err
	}
	c.evict(limit)
	return nil
}
