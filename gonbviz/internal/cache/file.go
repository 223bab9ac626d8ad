package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"
)

// A file is a head of fixed size, words, a payload, and the SHA-256 of all that.
//
// version stands in the head; a file of another one is as good as damaged.
const version = 1

// head is what a file begins with. Its own key is in it, so that a file under another's name is found out.
type head struct {
	Magic   [8]byte
	Key     Key
	Made    int64 // nanoseconds since 1970
	Words   uint32
	Payload uint64
}

var magic = [8]byte{'g', 'o', 'n', 'b', 'v', 'i', 'z', version}

var headSize = binary.Size(head{})

// maxWords bounds the description.
const maxWords = 1000

var errDamaged = errors.New("cache: a damaged file")

// file makes a file's contents.
func file(key Key, made time.Time, words string, payload []byte) []byte {
	words = words[:min(len(words), maxWords)]
	var b bytes.Buffer
	b.Grow(headSize + len(words) + len(payload) + sha256.Size)
	binary.Write(&b, binary.LittleEndian, head{magic, key, made.UnixNano(), uint32(len(words)), uint64(len(payload))}) // can't fail
	b.WriteString(words)
	b.Write(payload)
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

// open reads a file's head and holds its claims against the file's size, so that nothing is allocated on a mere claim.
func open(file *os.File, key Key) (head, error) {
	var h head
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return h, errDamaged
	}
	if err := binary.Read(file, binary.LittleEndian, &h); err != nil {
		return h, errDamaged
	}
	size := uint64(info.Size())
	rest := size - uint64(headSize) - sha256.Size - uint64(h.Words) // wraps where the file is too small, to more than size
	if h.Magic != magic || h.Key != key || h.Words > maxWords || rest > size || h.Payload != rest {
		return h, errDamaged
	}
	return h, nil
}

// readFile gives the payload of an open file of at most limit.
func readFile(file *os.File, key Key, limit Size) ([]byte, error) {
	h, err := open(file, key)
	if err != nil {
		return nil, err
	}
	size := uint64(headSize) + uint64(h.Words) + h.Payload
	if size+sha256.Size > uint64(limit) {
		return nil, errDamaged
	}
	data := make([]byte, size+sha256.Size)
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, err
	}
	if sha256.Sum256(data[:size]) != [sha256.Size]byte(data[size:]) {
		return nil, errDamaged
	}
	return data[uint64(headSize)+uint64(h.Words) : size], nil
}

// readHead gives what a file says about itself. It does not read the payload, so the checksum is not looked at.
func readHead(path string, key Key) (made time.Time, words string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return time.Time{}, "", err
	}
	defer file.Close()
	h, err := open(file, key)
	if err != nil {
		return time.Time{}, "", err
	}
	text := make([]byte, h.Words)
	_, err = io.ReadFull(file, text)
	return time.Unix(0, h.Made), string(text), err
}
