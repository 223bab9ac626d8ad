package resnet_test

import (
	"fmt"

	"github.com/convlens/convlens/models/resnet"
)

// A file that torchvision's or timm's weights were saved to by Python's safetensors.
func ExampleOpen() {
	net, err := resnet.Open(resnet.ResNet18, "resnet18.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(net.Name, len(net.Labels))
}
