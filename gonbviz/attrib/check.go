package attrib

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// SettingError is about a setting that can't be. Its Name is as Option has it, in the command line's words.
type SettingError struct{ Name, Reason string }

// Error is the reason.
func (e *SettingError) Error() string { return "attrib: " + e.Reason }

// wrong makes the error about a setting.
func wrong(name, format string, args ...any) error {
	return &SettingError{name, fmt.Sprintf(format, args...)}
}

// Check refuses settings that can't be, whatever the network and the picture.
func (o Occlusion) Check() error {
	if err := o.checkMeasured(); err != nil {
		return err
	}
	if err := o.checkParts(); err != nil {
		return err
	}
	if o.windowed() {
		if err := cmp.Or(o.Window.check("window"), o.Stride.check("stride")); err != nil {
			return err
		}
	}
	switch {
	case len(o.Channels) > 0 && slices.Min(o.Channels) < 0:
		return wrong("channels", "no channel %d; they count from 0 on", slices.Min(o.Channels))
	case o.Border != "" && o.Border != Cut && o.Border != Inside:
		return wrong("border", "unknown border %q; there are cut and inside", o.Border)
	case o.Overlap != "" && o.Overlap != OverlapMean && o.Overlap != OverlapSum && o.Overlap != OverlapNone:
		return wrong("overlap", "unknown overlap %q; there are mean, sum and none", o.Overlap)
	}
	if err := checkBatch(o.Batch); err != nil {
		return err
	}
	if _, err := o.Exact.check(); err != nil {
		return err
	}
	return o.Fill.Check()
}

// checkMeasured refuses what can't be measured.
func (o Occlusion) checkMeasured() error {
	switch u := o.Unit; {
	case u.Layer != "" && o.Measure != nil:
		return errors.New("attrib: both a Unit and a Measure are set; one of them is explained")
	case u.Channel < 0 || u.Row < 0 || u.Column < 0:
		return wrong("unit", "channel %d at row %d, column %d; they count from 0 on", u.Channel, u.Row, u.Column)
	case u.Layer != "" || o.Measure != nil:
		return nil
	}
	_, err := o.Score.check()
	return err
}

// checkParts refuses what can't be hidden.
func (o Occlusion) checkParts() error {
	kinds := 0
	for _, set := range []bool{o.Regions != nil, o.Superpixels != 0, o.Segments != nil} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return errors.New("attrib: give one of Regions, Superpixels and Segments")
	case o.Regions != nil && len(o.Regions) == 0:
		return errors.New("attrib: no regions to hide")
	case o.Superpixels < 0:
		return wrong("superpixels", "%d superpixels; give 1 or more", o.Superpixels)
	case o.Soft < 0:
		return wrong("soft", "a ramp of %d pixels; give 1 or more, or 0 for none", o.Soft)
	case o.Soft > 0 && (o.Superpixels > 0 || o.Segments != nil):
		return wrong("soft", "superpixels and segments have no soft edges")
	case o.Fill == Inpaint && (o.Superpixels > 0 || o.Segments != nil):
		return wrong("fill", "fill inpaint is for windows and regions")
	}
	return nil
}

func checkBatch(batch int) error {
	if batch < 0 {
		return wrong("batch", "a batch of %d; give 1 or more, or 0 to have it chosen", batch)
	}
	return nil
}

// check refuses a size that no input has.
func (s Size) check(name string) error {
	switch {
	case s == Size{}:
		return nil
	case s.Part != 0 && (!(s.Part > 0 && s.Part <= 1) || s.H != 0 || s.W != 0):
		return wrong(name, "a size of %s; give pixels, or a share above 0 and up to 100%%", s)
	case s.Part == 0 && (s.H < 1 || s.W < 1):
		return wrong(name, "a %s of %s pixels; it needs at least 1 a side", name, s)
	}
	return nil
}

// Check refuses settings that can't be, whatever the network and the picture.
func (r Reveal) Check() error {
	if r.Fill == Inpaint {
		return wrong("fill", "fill inpaint can't fill all but a window; give another")
	}
	return Occlusion(r).Check()
}

// Check refuses settings that can't be, whatever the network and the picture.
func (a Ablation) Check() error { return a.parts().Check() }

// Check refuses settings that can't be, whatever the network and the picture.
func (r RISE) Check() error {
	if _, err := r.Score.check(); err != nil {
		return err
	}
	switch {
	case r.Masks < 0 || r.Masks == 1:
		return wrong("masks", "%d masks; give 2 or more", r.Masks)
	case r.Cells < 0:
		return wrong("cells", "masks of %d cells a side; give 1 or more", r.Cells)
	case r.Keep < 0 || r.Keep >= 1 || math.IsNaN(r.Keep):
		return wrong("keep", "cells that are kept with a probability of %v; give one above 0 and below 1", r.Keep)
	case r.Fill == PatchMean || r.Fill == Inpaint || r.Fill == OtherPicture:
		return wrong("fill", "RISE can't fill with %s", r.Fill)
	}
	if err := checkBatch(r.Batch); err != nil {
		return err
	}
	return r.Fill.Check()
}

// Check refuses settings that can't be, whatever the network and the picture.
func (c ChannelAblation) Check() error {
	if _, err := c.Score.check(); err != nil {
		return err
	}
	switch {
	case c.Layer == "":
		return wrong("layer", "no layer whose channels to silence")
	case c.To != "" && c.To != ToZero && c.To != ToMean:
		return wrong("to", "channels can't be silenced to %q; there are zero and mean", c.To)
	}
	return checkBatch(c.Batch)
}
