// Package dedup merges BTFs: equal types become one, with exactly the result of libbpf's btf__dedup.
//
// Before it: package btf, which reads BTFs. After it: whoever writes or looks at the result. The algorithm is in internal/dedup, on a
// form that holds types by the million; what is here takes and gives *btf.Types.
package dedup

import (
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	engine "github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/graph"
)

// Options chooses between libbpf's behaviour and its repair. The zero value is the repair.
type Options struct {
	// Quirks hides the base's typedefs, as libbpf 1.7.0 does: every typedef, and what is built on one, is then copied although the
	// base has it. Without a base it changes nothing.
	Quirks bool
}

// Merge makes one BTF of several: their types one after the other, of equal ones the first. Each of list stands alone or is split on
// base's types. The result is in the byte order of the first of list.
//
// With a base the result is split on it, and types that the base has are the base's. Without one, base is nil, it stands alone.
//
// A type that cannot be merged is an error that names it: a reference loop without a struct in it, or a STRUCT, UNION or TYPEDEF that
// leads to a VAR, DATASEC or DECL_TAG.
func Merge(list []*btf.Types, base *btf.Base, opt Options) (*btf.Types, error) {
	if len(list) == 0 {
		return nil, errors.New("dedup: nothing to merge")
	}
	shapes := graph.NewShapes(graph.NewStrings())
	start, n, words := btf.TypeID(0), 0, 0
	var on *btf.Types
	var index *engine.Base
	if base != nil {
		on, index = base.Types, engine.IndexOf(base)
		start = btf.TypeID(on.Len())
	}
	for _, t := range list {
		if t.Base() != nil && t.Base() != on {
			return nil, errors.New("dedup: a BTF is split on another base")
		}
		n, words = n+t.Len()-int(t.Start()), words+len(t.Words())
	}
	g := graph.NewGraph(shapes, start, n, words/2)
	for _, t := range list {
		g.AddTypes(t)
	}
	res, err := engine.Run(g, index, engine.Options{Quirks: opt.Quirks})
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	var sec *graph.StringSection
	if on == nil {
		sec = graph.NewStringSection(shapes.Strs, 0, nil)
	} else {
		sec = graph.NewStringSection(shapes.Strs, on.StringsStart()+uint32(len(on.Strings())), on.Offset)
	}
	for _, id := range res.Keep {
		sec.AddContent(shapes.Content(g.Shape[id-g.Start]))
	}
	return g.Types(res.Keep, sec, on, list[0].Order())
}
