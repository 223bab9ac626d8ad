package testnet

import (
	"bytes"
	"testing"

	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
)

// Counting is 0, 1, 2, … n−1.
func Counting(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i)
	}
	return values
}

// Photograph is an embedded photograph as the network gets it.
func Photograph(t testing.TB, net *models.Network, name string) *pixel.Prepared {
	t.Helper()
	file, err := photos.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	photo, err := pixel.Decode(bytes.NewReader(file.Data), name)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := pixel.Prepare(photo, net.Input)
	if err != nil {
		t.Fatal(err)
	}
	return prepared
}
