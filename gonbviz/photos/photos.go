// Package photos holds five photographs to try a network on, so that a notebook needs no file.
package photos

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.jpg *.png
var files embed.FS

// Photo is one photograph as its file is, encoded.
type Photo struct {
	// Name is what Open takes: "squirrel".
	Name string
	// Data is the file: a JPEG or PNG.
	Data []byte
	// Notice says what it shows, whose it is and from where, in one line; Licence is its licence's SPDX name.
	Notice, Licence string
}

const fromOpenCV, apache = "from OpenCV's documentation, © OpenCV's contributors", "Apache-2.0"
const fromScikit, cc0 = "from scikit-image", "CC0-1.0"

// list is in the order that Names gives; the first is what a tool shows when nothing is asked for.
var list = []struct{ name, file, shows, source, licence string }{
	{"squirrel", "squirrel.jpg", "a fox squirrel", fromOpenCV, apache},
	{"shuttle", "shuttle.jpg", "a space shuttle, the Buran, on show beside a river", fromOpenCV, apache},
	{"chelsea", "chelsea.png", "Chelsea the cat, by Stéfan van der Walt", fromScikit, cc0},
	{"coffee", "coffee.png", "a cup of espresso, by Rachel Michetti, courtesy of Pikolo Espresso Bar", fromScikit, cc0},
	{"camera", "camera.png", "a photographer with a camera on a tripod, by Lav Varshney", fromScikit, cc0},
}

// Names lists the photographs.
func Names() []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.name
	}
	return names
}

// Open returns the photograph of that name; the error for an unknown one lists the names.
func Open(name string) (Photo, error) {
	for _, p := range list {
		if p.name != name {
			continue
		}
		data, err := files.ReadFile(p.file)
		if err != nil {
			return Photo{}, err
		}
		return Photo{p.name, data, fmt.Sprintf("%s; %s, %s", p.shows, p.source, p.licence), p.licence}, nil
	}
	return Photo{}, fmt.Errorf("no built-in photograph %q; there are %s", name, strings.Join(Names(), ", "))
}
