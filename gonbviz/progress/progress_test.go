package progress_test

import (
	"context"
	"fmt"

	"github.com/convlens/convlens/gonbviz/progress"
)

func Example() {
	work := func(ctx context.Context) {
		for i := range 3 {
			progress.Report(ctx, progress.Update{Name: "Counting", Done: i + 1, Total: 3, Unit: "steps"})
		}
	}
	work(context.Background()) // nobody listens
	work(progress.With(context.Background(), func(u progress.Update) {
		fmt.Printf("%s: %d of %d %s\n", u.Name, u.Done, u.Total, u.Unit)
	}))
	// Output:
	// Counting: 1 of 3 steps
	// Counting: 2 of 3 steps
	// Counting: 3 of 3 steps
}
