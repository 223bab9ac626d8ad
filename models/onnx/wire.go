package onnx

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxMessages bounds the number of messages and names in a file. An empty message takes two bytes there and a hundred
// times as much in memory; no network comes near this many nodes, attributes and names.
const maxMessages = 1 << 20

// message is a kind of message in ONNX's schema, as far as it can hold many others.
type message int

const (
	leaf message = iota // nothing to look into
	modelMessage
	graphMessage
	nodeMessage
	attributeMessage
	tensorMessage
	valueMessage
)

// within says what the fields of each kind of message hold that can stand there many times.
var within = map[message]map[protowire.Number]message{
	modelMessage:     {7: graphMessage, 8: leaf, 14: leaf, 20: leaf, 25: graphMessage},
	graphMessage:     {1: nodeMessage, 5: tensorMessage, 7: nodeMessage, 11: valueMessage, 12: valueMessage, 13: valueMessage, 14: leaf, 15: tensorMessage, 16: leaf},
	nodeMessage:      {1: leaf, 2: leaf, 5: attributeMessage, 9: leaf, 10: leaf},
	attributeMessage: {5: tensorMessage, 6: graphMessage, 9: leaf, 10: tensorMessage, 11: graphMessage, 15: leaf, 22: tensorMessage, 23: tensorMessage},
	tensorMessage:    {6: leaf, 13: leaf, 16: leaf},
	valueMessage:     {4: leaf},
}

var errNotONNX = errors.New("not an ONNX file, or one that ends early")

// checkWire walks over a file without unpacking it: its structure must be whole and the number of messages in it small
// enough to be unpacked.
func checkWire(data []byte) error {
	left := maxMessages
	return walk(data, modelMessage, &left, 0)
}

func walk(data []byte, m message, left *int, depth int) error {
	if depth > 64 {
		return errors.New("graphs nested too deep")
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errNotONNX
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return errNotONNX
		}
		if below, many := within[m][number]; many && kind == protowire.BytesType {
			if *left--; *left < 0 {
				return errors.New("more than a million nodes, attributes and names")
			}
			if body, _ := protowire.ConsumeBytes(data); below != leaf {
				if err := walk(body, below, left, depth+1); err != nil {
					return err
				}
			}
		}
		data = data[n:]
	}
	return nil
}
