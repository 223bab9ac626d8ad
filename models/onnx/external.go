package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/convlens/convlens/models/onnx/internal/pb"
	"github.com/convlens/convlens/models/weights"
)

// external reads the size bytes of a tensor that lies in a file of its own beside the model. That must be a regular
// file which, with links resolved, is in the model's folder or below: the name comes from whoever made the model.
func external(t *pb.TensorProto, folder string, size int64) ([]byte, error) {
	location, offset, length := "", int64(0), size
	for _, entry := range t.ExternalData {
		var err error
		switch entry.GetKey() {
		case "location":
			location = entry.GetValue()
		case "offset":
			offset, err = strconv.ParseInt(entry.GetValue(), 10, 64)
		case "length":
			length, err = strconv.ParseInt(entry.GetValue(), 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("external data with %s %q", entry.GetKey(), entry.GetValue())
		}
	}
	if length != size {
		return nil, fmt.Errorf("shape %v of %s needs %d bytes, its external data has %d", t.Dims, elementName(t.GetDataType()), size, length)
	}
	path, err := inFolder(folder, location)
	if err != nil {
		return nil, err
	}
	f, err := weights.OpenFile(path)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	if offset < 0 || offset > info.Size() || size > info.Size()-offset {
		return nil, fmt.Errorf("external data of %d bytes at %d: %s has %d bytes", size, offset, location, info.Size())
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, size), data); err != nil {
		return nil, fmt.Errorf("external data: %s: %w", location, err)
	}
	return data, nil
}

// externalFiles are the files in the folder that hold a graph's tensors.
func externalFiles(g *pb.GraphProto, folder string) (files []string) {
	tensors := slices.Clone(g.Initializer)
	for _, n := range g.Node {
		for _, a := range n.Attribute {
			if a.T != nil { // a Constant's value
				tensors = append(tensors, a.T)
			}
		}
	}
	for _, t := range tensors {
		for _, entry := range t.ExternalData {
			path := filepath.Join(folder, filepath.FromSlash(entry.GetValue()))
			if entry.GetKey() == "location" && !slices.Contains(files, path) {
				files = append(files, path)
			}
		}
	}
	return files
}

// inFolder is the file's path with links resolved, which must lie in the folder.
func inFolder(folder, location string) (string, error) {
	if location == "" {
		return "", errors.New("external data without a location")
	}
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return "", fmt.Errorf("external data at %q, which is not in the model's folder", location)
	}
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", fmt.Errorf("external data: %w", err)
	}
	path, err := filepath.EvalSymlinks(filepath.Join(folder, filepath.FromSlash(location)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("external data at %q: no such file in the model's folder", location)
	}
	if err != nil {
		return "", fmt.Errorf("external data: %w", err)
	}
	inside, err := filepath.Rel(root, path)
	if err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("external data at %q, which leads out of the model's folder", location)
	}
	return path, nil
}
