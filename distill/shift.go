package distill

import (
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
)

// ErrLimit is wrapped by the error for types that would pass a kernel's limits on top of a base.
var ErrLimit = errors.New("more than a kernel takes")

// Shift moves standalone types to the top of a base that they do not refer to: ids and names continue the base's, as a
// split BTF's do, and the string section loses its leading zero byte. Only how many types and string bytes base has
// counts, so the result is right on every base that has as many (rule forms/shifted).
//
// With shareScalars each INT and FLOAT that base has too is left out, and references to it go to the base's first equal
// one: the distilling in kernel builds of 7.x needs at least one reference into the base.
// Rule forms/shifted.
func Shift(t, base *btf.Types, shareScalars bool) (*btf.Types, error) {
	if t.Base() != nil {
		return nil, errors.New("it is split BTF: only standalone BTF can be shifted")
	}
	strs := t.Strings()
	if len(strs) == 0 || strs[0] != 0 {
		return nil, errors.New("its strings do not begin with the empty one")
	}
	s := &shifter{start: uint32(base.Len()), strOff: base.StringsEnd() - 1}
	var shared map[btf.TypeID]btf.TypeID
	if shareScalars {
		shared = sharedScalars(t, base)
	}
	s.newID = make([]uint32, t.Len())
	next := s.start
	for id := btf.TypeID(1); int(id) < t.Len(); id++ {
		if to, ok := shared[id]; ok {
			s.newID[id] = uint32(to)
			continue
		}
		s.newID[id] = next
		next++
	}
	if next > btf.KernelMaxID+1 {
		return nil, fmt.Errorf("%d types: %w", next-1, ErrLimit)
	}
	if n := uint64(s.strOff) + uint64(len(strs)); n > btf.KernelMaxNameOff {
		return nil, fmt.Errorf("%d bytes of strings: %w", n, ErrLimit)
	}
	words := make([]uint32, 0, len(t.Words()))
	for id := btf.TypeID(1); int(id) < t.Len(); id++ {
		if _, ok := shared[id]; ok {
			continue
		}
		at := len(words)
		words = append(words, t.Record(id)...)
		rec := words[at:]
		btf.EachRef(rec, func(w *uint32) { *w = s.newID[*w] })
		btf.EachName(rec, func(w *uint32) {
			if *w != 0 {
				*w += s.strOff
			}
		})
	}
	return btf.New(words, strs[1:], base, t.Order())
}

type shifter struct {
	start, strOff uint32
	newID         []uint32 // by id; 0 for void
}

// sharedScalars returns t's INTs and FLOATs that base has, and the lowest id there.
func sharedScalars(t, base *btf.Types) map[btf.TypeID]btf.TypeID {
	type content struct {
		name             string
		info, size, data uint32
	}
	key := func(x btf.Type) (content, bool) {
		rec := x.Record()
		switch x.Kind() {
		case btf.Int:
			return content{x.Name(), rec[1], rec[2], rec[3]}, true
		case btf.Float:
			return content{x.Name(), rec[1], rec[2], 0}, true
		default: // other kinds: they are no scalars
			return content{}, false
		}
	}
	have := map[content]btf.TypeID{}
	for b := base; b != nil; b = b.Base() { // the lowest id wins, so bases below come last
		seen := map[content]bool{}
		for id, x := range b.All() {
			if k, ok := key(x); ok && !seen[k] {
				seen[k], have[k] = true, id
			}
		}
	}
	shared := map[btf.TypeID]btf.TypeID{}
	for id, x := range t.All() {
		if k, ok := key(x); ok && have[k] != 0 {
			shared[id] = have[k]
		}
	}
	return shared
}

// Portable puts standalone types on top of a base of 45 bytes that holds one INT, "int", which they do not refer to. As
// .BTF and .BTF.base a kernel from 6.11 on takes them whatever its vmlinux is; one without that INT refuses them, and an
// empty base live kernels refuse too (rule forms/portable).
// Rule forms/portable.
func Portable(t *btf.Types) (own, base *btf.Types, err error) {
	b := btf.NewBuilder(nil)
	b.Order = t.Order()
	b.AddInt("int", 4, btf.Signed)
	if base, err = b.Types(); err != nil {
		return nil, nil, err
	}
	own, err = Shift(t, base, false)
	return own, base, err
}

// Unshift is the reverse of Shift without shared scalars: it makes types standalone that continue a base without
// referring to it. When they do refer to it the error names the first type that does.
func Unshift(t *btf.Types) (*btf.Types, error) {
	base := t.Base()
	if base == nil {
		return t, nil
	}
	start, strOff := uint32(t.Start()), t.StringsStart()
	words := append([]uint32(nil), t.Words()...)
	var err error
	at := 0
	for id := t.Start(); int(id) < t.Len(); id++ {
		rec := words[at : at+len(t.Record(id))]
		at += len(rec)
		fail := func(what string) {
			if err == nil {
				x := t.Type(id)
				err = fmt.Errorf("type %d, %v %q: refers to the base's %s", id, x.Kind(), x.Name(), what)
			}
		}
		btf.EachRef(rec, func(w *uint32) {
			switch {
			case *w >= start:
				*w -= start - 1
			case *w != 0:
				fail(fmt.Sprintf("type %d", *w))
			}
		})
		btf.EachName(rec, func(w *uint32) {
			switch {
			case *w >= strOff:
				*w -= strOff - 1
			case *w != 0:
				fail("strings")
			}
		})
	}
	if err != nil {
		return nil, err
	}
	return btf.New(words, append([]byte{0}, t.Strings()...), nil, t.Order())
}
