package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/internal/cache"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
)

// cacheDocument is what the cache holds as `cache --json` prints it.
type cacheDocument struct {
	Folder  string     `json:"folder"`
	Limit   cache.Size `json:"limit_bytes"`
	Size    cache.Size `json:"size_bytes"`
	Problem string     `json:"problem,omitempty"`
	Results []cacheRow `json:"results"`
}

type cacheRow struct {
	Key  string     `json:"key"`
	What string     `json:"what"`
	Size cache.Size `json:"size_bytes"`
	Made time.Time  `json:"made"`
	Used time.Time  `json:"used"`
}

func newCache() *cobra.Command {
	var asJSON bool
	var limit string
	command := &cobra.Command{
		Use:   "cache [list|clear]",
		Short: "List or clear the results that notebooks keep so as not to compute them twice",
		Long: "Lists the results that notebooks and reports have kept on disk, the one last used first, or removes them all.\n" +
			"Where they outgrow the limit those go that were not used for longest. With " + gonbviz.NoCacheEnv + "=1\n" +
			"in the environment all is computed anew and nothing is kept. The other commands here, report aside,\n" +
			"always compute.",
		Example:   "  gonbviz cache\n  gonbviz cache --limit 2GB\n  gonbviz cache clear",
		ValidArgs: []string{"list", "clear"},
		Args:      cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, words []string) error {
			clear := slices.Equal(words, []string{"clear"})
			if len(words) > 0 && !clear && words[0] != "list" {
				return usageError("cache %q: it is list or clear", words[0])
			}
			if clear && (asJSON || limit != "") {
				return usageError("cache clear takes no options")
			}
			var size cache.Size
			if limit != "" {
				var err error
				if size, err = cache.ParseSize(limit); err != nil {
					return usageError("--limit %v", err)
				}
			}
			home, err := plugin.Home()
			if err != nil {
				return err
			}
			results := cache.In(home)
			if clear {
				return clearCache(command.OutOrStdout(), results)
			}
			if limit != "" {
				if err := results.SetLimit(size); err != nil {
					return fmt.Errorf("--limit can't be kept: %w", err)
				}
			}
			return listCache(command.OutOrStdout(), results, asJSON)
		},
	}
	command.Flags().StringVar(&limit, "limit", "", "the most that results may take together, a `size` as 200MB or 1.5GB, from now on")
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return command
}

func clearCache(out io.Writer, results *cache.Cache) error {
	removed, size, err := results.Clear()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "removed %s, %s\n", countResults(removed), size)
	return err
}

func listCache(out io.Writer, results *cache.Cache, asJSON bool) error {
	document := cacheDocument{Folder: results.Folder(), Limit: results.Limit(), Results: []cacheRow{}}
	problem := results.Writable()
	if problem != nil {
		document.Problem = "new results are not kept: " + problem.Error()
	} else if err := results.CheckSettings(); err != nil {
		document.Problem = err.Error() + "; gonbviz cache --limit SIZE writes them anew"
	}
	list, err := results.List()
	if err != nil && problem == nil { // else it is the same problem
		return err
	}
	for _, e := range list {
		document.Size += e.Size
		document.Results = append(document.Results, cacheRow{hex.EncodeToString(e.Key[:]), e.What, e.Size, e.Made, e.Used})
	}
	if asJSON {
		return gonbviz.WriteJSON(out, document)
	}
	if len(list) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "key\tsize\tmade\tused\tresult")
		for _, r := range document.Results {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Key[:8], r.Size, ago(r.Made), ago(r.Used), escape(r.What))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s, %s of at most %s, in %s\n", countResults(len(list)), document.Size, document.Limit, escape(document.Folder))
	if err == nil && document.Problem != "" {
		_, err = fmt.Fprintln(out, escape(strings.TrimSpace(document.Problem)))
	}
	return err
}

func countResults(n int) string {
	if n == 1 {
		return "1 result"
	}
	return fmt.Sprintf("%d results", n)
}

// ago is how long something is past, in the largest unit that fits.
func ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}
