package watch_test

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/watch"
)

// A network is trained as ever, and watched. In a notebook the figure is drawn in place meanwhile.
func ExampleWatch_Attach() {
	net := fall()
	sgd := optimizer.StochasticGradientDescent().WithLearningRate(0.5).WithDecay(false).Done()
	loop := train.NewLoop(train.NewTrainer(testbackend.Go(), net.Store, net.Logits, sum, sgd, nil, nil))

	w := watch.New(net, watch.Options{Every: 2})
	w.Attach(loop)
	if _, err := loop.RunSteps(twoByTwo, 6); err != nil {
		fmt.Println(err)
	}
	for _, f := range w.Frames() {
		fmt.Printf("step %d: filter 0 is %v\n", f.Step, f.Filters.Kernel(0, 0).Values)
	}
	fmt.Println(w.Strip().Plain())
	// Output:
	// step 1: filter 0 is [7.5 1.5 7.5 1.5]
	// step 2: filter 0 is [7 1 7 1]
	// step 4: filter 0 is [6 0 6 0]
	// step 6: filter 0 is [5 -1 5 -1]
	// fall conv: filters at 4 moments of 6 steps
}
