package watch

// mostLosses bounds how many numbers of a kind are kept.
const mostLosses = 4096

// losses are the loss and its average over the steps, each number the mean over a group of them.
type losses struct {
	steps, batch, average []float64
	group, in             int // steps a number stands for; how many of them the last one has
}

func (l *losses) add(step int, batch, average float64) {
	n := len(l.steps) - 1
	if l.in == 0 || l.in == l.group {
		if len(l.steps) == mostLosses {
			l.halve()
		}
		l.group = max(l.group, 1)
		l.steps, l.batch, l.average = append(l.steps, 0), append(l.batch, 0), append(l.average, 0)
		n, l.in = len(l.steps)-1, 0
	}
	have := float64(l.in)
	l.in++
	l.steps[n] = float64(step)
	l.batch[n] = (l.batch[n]*have + batch) / (have + 1)
	l.average[n] = (l.average[n]*have + average) / (have + 1)
}

// halve makes one number of two.
func (l *losses) halve() {
	l.group *= 2
	for i := range len(l.steps) / 2 {
		l.steps[i] = l.steps[2*i+1]
		l.batch[i] = (l.batch[2*i] + l.batch[2*i+1]) / 2
		l.average[i] = (l.average[2*i] + l.average[2*i+1]) / 2
	}
	half := len(l.steps) / 2
	l.steps, l.batch, l.average = l.steps[:half], l.batch[:half], l.average[:half]
}
