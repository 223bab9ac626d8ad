// Package imagenet names the 1000 kinds of things of ImageNet's classification task, which most public networks tell
// apart.
package imagenet

import (
	_ "embed"
	"strings"
)

// labelsFile has a line a class, in the order of the networks' logits: index, WordNet id, label.
//
//go:embed labels.tsv
var labelsFile string

// Labels lists the labels in the order of the networks' logits. Different classes can have the same label: crane is a
// bird and a machine. The list is the caller's own.
func Labels() []string {
	var list []string
	for line := range strings.Lines(labelsFile) {
		list = append(list, strings.TrimSuffix(line[strings.LastIndexByte(line, '\t')+1:], "\n"))
	}
	return list
}
