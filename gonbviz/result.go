package gonbviz

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/convlens/convlens/gonbviz/attrib"
)

var (
	errNothing   = errors.New("gonbviz: there is no attribution")
	errPositions = errors.New("gonbviz: this attribution has no positions")
)

// checkResult refuses a result that can't be drawn or written: one that is nil, or lacks what it is asked for.
func checkResult(result any) error {
	switch r := result.(type) {
	case *attrib.Attribution:
		return checkAttribution(r)
	case Panels:
		return r.check()
	case Extremes:
		if err := checkAttribution(r.Attribution); err != nil || r.Grid != nil {
			return err
		}
		return errPositions
	case Focused:
		return checkAttribution(r.Attribution)
	case Top:
		return checkResult(r.Answer)
	}
	if v := reflect.ValueOf(result); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("gonbviz: there is no result: this %T is nil", result)
	}
	return nil
}

// checkAttribution refuses what a method from a cell may return.
func checkAttribution(a *attrib.Attribution) error {
	switch {
	case a == nil:
		return errNothing
	case a.Map == nil && a.Grid == nil && a.Channels == nil:
		return errors.New("gonbviz: this attribution has neither a map nor a grid nor channels")
	case a.Grid != nil && len(a.Grid.Windows) == 0:
		return errors.New("gonbviz: the grid of this attribution has no windows")
	case a.Channels != nil && len(a.Channels.Drop) == 0:
		return errors.New("gonbviz: the channels of this attribution have no drops")
	case a.Picture == nil:
		return errors.New("gonbviz: this attribution has no Picture; set it to the one that Attribute was given")
	}
	return nil
}

// check refuses a reading that is unknown, or not to be had.
func (p Panels) check() error {
	if err := checkAttribution(p.Attribution); err != nil {
		return err
	}
	switch p.Show {
	case "", Drop:
		return nil
	case Probability, BestClass:
		if p.Grid == nil {
			return errPositions
		}
		return nil
	}
	return fmt.Errorf("gonbviz: unknown reading %q; there are drop, probability and class", p.Show)
}

// itself is the method where a pointer to it was given, whose results are as good as its own.
func itself(method attrib.Method) (attrib.Method, error) {
	if method == nil {
		return nil, errors.New("gonbviz: there is no method to explain with; give attrib.Occlusion{}, for one")
	}
	v := reflect.ValueOf(method)
	if v.Kind() != reflect.Pointer || !v.Type().Elem().Implements(reflect.TypeFor[attrib.Method]()) {
		return method, nil
	}
	if v.IsNil() {
		return nil, fmt.Errorf("gonbviz: there is no method to explain with: this %T is nil", method)
	}
	return v.Elem().Interface().(attrib.Method), nil
}
