package dedup

import (
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// Merge makes one BTF of several on base, or standing alone when it is nil. usedStrings leaves out the strings of types that were
// merged away, and orders the others by the types that remain; libbpf's order is that of all types as they came.
func Merge(list []*btf.Types, base *btf.Base, opt Options, usedStrings bool) (*btf.Types, error) {
	if len(list) == 0 {
		return nil, errors.New("nothing to merge")
	}
	var on *btf.Types
	var index *Base
	start, n, words := btf.TypeID(0), 0, 0
	if base != nil {
		on, index = base.Types, IndexOf(base)
		start = btf.TypeID(on.Len())
	}
	for _, t := range list {
		switch {
		case t.Base() != nil && t.Base() != on:
			return nil, errors.New("a BTF is split on another base")
		case t.BigEndian() != list[0].BigEndian():
			return nil, errors.New("BTFs differ in byte order")
		case on != nil && t.BigEndian() != on.BigEndian():
			return nil, errors.New("the base is of the other byte order")
		}
		n, words = n+t.Len()-int(t.Start()), words+len(t.Words())
	}
	shapes := graph.NewShapes(graph.NewStrings())
	g := graph.NewGraph(shapes, start, n, words/2)
	for _, t := range list {
		g.AddTypes(t)
	}
	sec := graph.NewStringSection(shapes.Strs, 0, nil)
	if on != nil {
		sec = graph.NewStringSection(shapes.Strs, on.StringsEnd(), on.Offset)
	}
	if !usedStrings {
		for _, sh := range g.Shape[max(start, 1)-start:] {
			sec.AddContent(shapes.Content(sh))
		}
	}
	res, err := Run(g, index, opt)
	if err != nil {
		return nil, err
	}
	if usedStrings {
		for _, id := range res.Keep {
			sec.AddContent(shapes.Content(g.Shape[id-start]))
		}
	}
	if end := sec.Len(); end > btf.MaxNameOff+1 {
		return nil, fmt.Errorf("strings end at %#x, which is more than %#x", end, uint64(btf.MaxNameOff+1))
	}
	return g.Types(res.Keep, sec, on, list[0].Order())
}
