// Package check tells right answers to an exercise from wrong ones without knowing the right ones: it compares salted
// hashes.
package check

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// digits is how many digits of a hash are compared: enough that a wrong answer is never called right, too few to tell
// anything else.
const digits = 12

// Hash is what Answer compares for the right answer to a task. The task's name is the salt, so that equal answers to
// different tasks don't look alike.
//
// Numbers count rounded to two decimals, whatever their type, lists item by item; of texts neither case nor
// space counts.
func Hash(task string, answer any) string {
	sum := sha256.Sum256([]byte("convlens exercise " + task + ": " + canonical(answer)))
	return hex.EncodeToString(sum[:])[:digits]
}

// Answer prints whether an answer to a task is right: whether its Hash is the one given.
func Answer(task string, answer any, hash string) {
	if Hash(task, answer) == hash {
		fmt.Printf("Task %s: right.\n", task)
		return
	}
	fmt.Printf("Task %s: not yet. (Your answer: %v)\n", task, answer)
}

// canonical writes an answer so that equal ones have equal text.
func canonical(answer any) string {
	switch a := answer.(type) {
	case float64:
		return fmt.Sprintf("%.2f", math.Round(a*100)/100+0) // + 0: no minus before a zero
	case float32:
		return canonical(float64(a))
	case int: // of the same value as the whole float64
		return canonical(float64(a))
	case string:
		return strings.ToLower(strings.Join(strings.Fields(a), ""))
	}
	return fmt.Sprint(answer)
}
