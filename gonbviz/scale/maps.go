package scale

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"image/color"
	"strconv"
)

// Colour tables, as published by their authors:
//
//   - lipari: Fabio Crameri, Scientific colour maps (MIT), from cmcrameri 1.10.
//   - cet-d1a: Peter Kovesi, Colour maps with uniform perceptual contrast (CC BY 4.0), from colorcet 3.2.1.
//   - petroff10: Matthew Petroff, Accessible colour sequences (MIT); reordered so that the greys come last.
var (
	//go:embed lipari.csv
	lipariTable []byte
	//go:embed cet-d1a.csv
	cetd1aTable []byte
	//go:embed petroff10.csv
	petroffTable []byte
)

// Map is a colour map: a table from its dark or negative end to its light or positive end.
type Map struct {
	// Name is the map's, for captions.
	Name string
	// Entries are its colours, at most 256. A number meets the nearest one; nothing is interpolated.
	Entries []color.NRGBA
}

// Colour maps, even to the eye and safe for the colour-blind.
var (
	// Lipari runs from dark to light: activations, probabilities.
	Lipari = &Map{"lipari", readTable(lipariTable)}
	// CETD1A runs from blue over white to red: attributions, weights.
	CETD1A = &Map{"CET-D1A", readTable(cetd1aTable)}
	// Grey runs from black to white.
	Grey = &Map{"grey", ramp(func(v uint8) color.NRGBA { return color.NRGBA{v, v, v, 255} })}
)

// Maps of one colour channel where the two others rest at mid-grey: the legend of weights drawn by RGB.
var (
	Red   = &Map{"red", ramp(func(v uint8) color.NRGBA { return color.NRGBA{v, 128, 128, 255} })}
	Green = &Map{"green", ramp(func(v uint8) color.NRGBA { return color.NRGBA{128, v, 128, 255} })}
	Blue  = &Map{"blue", ramp(func(v uint8) color.NRGBA { return color.NRGBA{128, 128, v, 255} })}
)

// Petroff10 are ten colours for classes. The two greys come last: number 8, slate, is for all the rest together.
var Petroff10 = readHex(petroffTable)

// at is the nearest entry for t in 0..1.
func (m *Map) at(t float64) int {
	return max(0, min(len(m.Entries)-1, int(t*float64(len(m.Entries)))))
}

func ramp(c func(v uint8) color.NRGBA) []color.NRGBA {
	entries := make([]color.NRGBA, 256)
	for i := range entries {
		entries[i] = c(uint8(i))
	}
	return entries
}

// rows are the cells of an embedded table without its header. The tables are part of the program, so that a fault in
// one is a fault of the build.
func rows(table []byte) [][]string {
	all, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil || len(all) < 2 {
		panic(fmt.Sprintf("scale: embedded colour table: %v", err))
	}
	return all[1:]
}

func readTable(table []byte) []color.NRGBA {
	var entries []color.NRGBA
	for _, row := range rows(table) {
		entries = append(entries, color.NRGBA{byteOf(row[1], 10), byteOf(row[2], 10), byteOf(row[3], 10), 255})
	}
	return entries
}

func readHex(table []byte) []color.NRGBA {
	var entries []color.NRGBA
	for _, row := range rows(table) {
		h := row[1]
		entries = append(entries, color.NRGBA{byteOf(h[1:3], 16), byteOf(h[3:5], 16), byteOf(h[5:7], 16), 255})
	}
	return entries
}

func byteOf(s string, base int) uint8 {
	v, err := strconv.ParseUint(s, base, 8)
	if err != nil {
		panic("scale: embedded colour table: " + err.Error())
	}
	return uint8(v)
}
