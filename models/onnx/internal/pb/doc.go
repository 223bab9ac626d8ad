// Package pb is ONNX's file format as Go code.
//
// onnx.pb.go is generated from onnx.proto as the Python package onnx 1.23.2 carries it, by the protoc of the Python
// package grpcio-tools and by the protoc-gen-go of google.golang.org/protobuf at the version in go.mod:
//
//	go build -o protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
//	python -m grpc_tools.protoc -I. --plugin=protoc-gen-go --go_out=. --go_opt=paths=source_relative \
//		--go_opt=Monnx.proto=github.com/convlens/convlens/models/onnx/internal/pb onnx.proto
package pb
