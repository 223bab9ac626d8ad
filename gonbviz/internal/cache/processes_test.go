package cache_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/cache"
)

// helperEnv has the test binary be one of several processes in one cache.
const helperEnv = "CACHE_TEST_HELPER"

// numbers are those of the i-th result, large enough to be written in more than one go.
func numbers(i int) []float32 {
	list := make([]float32, 30_000+1000*i)
	for j := range list {
		list[j] = float32(i*j + 1)
	}
	return list
}

func TestMain(m *testing.M) {
	if home := os.Getenv(helperEnv); home != "" {
		if err := hammer(cache.In(home)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// hammer puts, asks for, lists and clears results for a second. A result that is there must be the right one.
func hammer(c *cache.Cache) error {
	hits := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		i := rand.IntN(8)
		k := key(fmt.Sprint(i))
		var got []float32
		if c.Get(k, &got) {
			hits++
			for j, want := range numbers(i) {
				if len(got) != len(numbers(i)) || got[j] != want {
					return fmt.Errorf("result %d is wrong at %d", i, j)
				}
			}
		} else if err := c.Put(k, "numbers", numbers(i)); err != nil {
			return err
		}
		switch rand.IntN(20) {
		case 0:
			if _, _, err := c.Clear(); err != nil {
				return err
			}
		case 1:
			if _, err := c.List(); err != nil {
				return err
			}
		}
	}
	if hits == 0 {
		return fmt.Errorf("not one result was found")
	}
	return nil
}

func TestProcesses(t *testing.T) {
	home := t.TempDir()
	c := cache.In(home)
	if err := c.SetLimit(700_000); err != nil { // less than there is to keep
		t.Fatal(err)
	}
	var running []*exec.Cmd
	for range 3 {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), helperEnv+"="+home)
		command.Stderr = os.Stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, command)
	}
	for _, command := range running {
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
	listed, err := os.ReadDir(c.Folder())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range listed {
		if len(entry.Name()) != 64 {
			t.Errorf("%s was left", entry.Name())
		}
	}
}
