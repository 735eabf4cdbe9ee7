package encoder

import (
	"github.com/gobtf/gobtf/internal/graph"
)

// stringSection returns the section that strings are added to.
// Rule split/base.
func (j *job) stringSection() *graph.StringSection {
	if j.opt.Base == nil {
		return graph.NewStringSection(j.shapes.Strs, 0, nil)
	}
	b := j.opt.Base
	return graph.NewStringSection(j.shapes.Strs, b.StringsStart()+uint32(len(b.Strings())), b.Offset)
}
