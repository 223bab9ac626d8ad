// Package quiet keeps the log lines of GoMLX and go-xla off standard error in a program that imports it.
//
// go-xla logs while it is initialised, before main. Go initialises packages in the order of their paths where their
// imports allow, so this one, which imports nothing but the logger, comes before.
package quiet

import (
	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

func init() { klog.SetLogger(logr.Discard()) }
