package refit

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// sources are what new BTF for a module can be made of, and what is known about them.
type sources struct {
	m       *subject
	found   *Found // nil: split BTF of an unknown base
	unknown error
	onto    kernel
	opt     Options
	r       *Report
}

// best makes types on the base of the best source there is: debug information says all, a base of its own and BTF that stands
// alone say what the module had, split BTF says it together with the base it was built on.
func (s sources) best(ctx context.Context) (*btf.Types, error) {
	t, err := s.dwarf(ctx)
	if t != nil || err != nil {
		return t, err
	}
	if s.found == nil && errors.Is(s.unknown, ErrUnknownBase) && s.opt.From == nil && s.opt.FindFrom != nil && s.m.release != "" {
		if from := s.opt.FindFrom(s.m.release); from != nil {
			s.found, s.unknown = Recognise(s.m.own, s.m.sec, s.onto.Types, from)
		}
		if s.found != nil {
			s.r.Before = s.found.Form
		}
	}
	switch {
	case s.found == nil && errors.Is(s.unknown, ErrUnknownBase) && s.opt.From == nil:
		return nil, fmt.Errorf("%s: %w: %w, it has no debug information, and without --from nothing says which base its types are of", s.m.path, ErrNoSource, s.unknown)
	case s.found == nil:
		return nil, fmt.Errorf("%s: %w: %w, and it has no debug information", s.m.path, ErrNoSource, s.unknown)
	case s.found.Whole != nil:
		return s.whole()
	case s.found.OnOnto && s.opt.Form == Shifted:
		return nil, fmt.Errorf("%s: %w: shifted BTF is made of debug information or of BTF that stands alone, and this is %s", s.m.path, ErrNoSource, s.found.Form)
	case s.found.OnOnto:
		return s.found.Types, nil
	}
	return s.split()
}

// dwarf encodes the module again, as its build would have on the base. It returns nil when there is no debug information.
func (s sources) dwarf(ctx context.Context) (*btf.Types, error) {
	opt := encoder.Options{
		Features: s.onto.features(), Base: s.onto.Base, Jobs: s.opt.Jobs, DebugDirs: s.opt.DebugDirs, FetchDebug: s.opt.FetchDebug, Notes: s.opt.Notes,
	}
	s.r.After = Split
	if s.opt.Form == Shifted {
		opt.Form, s.r.After = encoder.Shifted, Shifted
	}
	res, err := encoder.Encode(ctx, []*module.File{s.m.File}, opt)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil && s.found == nil:
		return nil, err
	case err != nil:
		s.opt.note("%v; its BTF is used instead", err)
		return nil, nil
	case res.Empty:
		return nil, nil
	}
	t, err := btf.Parse(res.BTF, s.onto.Types)
	if err != nil {
		return nil, fmt.Errorf("%s: encoded BTF: %w", s.m.path, err)
	}
	s.r.Source = "its DWARF"
	if s.opt.Form == Shifted {
		whole, err := distill.Unshift(t)
		if err == nil {
			whole, err = s.onto.onto(whole)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.m.path, err)
		}
		s.compareOwn(whole)
		return t, nil
	}
	s.compareOwn(t)
	return s.link(t)
}

// check compares the structs that a module was compiled with, as its best source says them, with the base's. A module may fit as it is
// and still have been compiled with others: a base of its own says little of them, and BTF that stands alone is not asked about any.
// Split BTF on the base itself needs no comparison: its types are the base's.
func (s sources) check(ctx context.Context) error {
	if s.found == nil || s.found.Form == Split {
		return nil
	}
	if t, err := s.dwarf(ctx); t != nil || err != nil {
		return err
	}
	if s.found.Whole == nil {
		t := s.found.Types
		s.r.Changes = s.onto.changes(t, func(id btf.TypeID) bool { return id < t.Start() && t.Type(id).NameOff() != 0 }, true, false)
		return nil
	}
	t, err := s.onto.onto(s.found.Whole)
	if err != nil {
		return fmt.Errorf("%s: %w", s.m.path, err)
	}
	s.compareOwn(t)
	return nil
}

// compareOwn finds kernel structs among a module's own types: copies, because they differ.
func (s sources) compareOwn(t *btf.Types) {
	s.r.Changes = s.onto.changes(t, func(id btf.TypeID) bool {
		x := t.Type(id)
		return x.NameOff() != 0 && (id < t.Start() || len(s.onto.StructsNamed(x.Name())) > 0)
	}, false, true)
}

// link replaces copies of the kernel's structs by the kernel's where that is right.
func (s sources) link(t *btf.Types) (*btf.Types, error) {
	t, err := s.onto.link(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.m.path, err)
	}
	return t, nil
}

// whole puts types that stand alone onto the base: shared with it, or only shifted.
func (s sources) whole() (t *btf.Types, err error) {
	s.r.Source = "its " + string(s.found.Form) + " BTF"
	shared, err := s.onto.onto(s.found.Whole)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.m.path, err)
	}
	s.compareOwn(shared)
	if s.opt.Form != Shifted {
		s.r.After = Split
		return s.link(shared)
	}
	s.r.After = Shifted
	if t, err = distill.Shift(s.found.Whole, s.onto.Types, false); err != nil {
		return nil, fmt.Errorf("%s: %w", s.m.path, err)
	}
	return t, nil
}

// split moves split types: those on a base of their own by name, as a kernel does when it loads them, and those whose old base is
// known together with what they refer to of it. Then what became equal is shared.
func (s sources) split() (*btf.Types, error) {
	if s.opt.Form == Shifted {
		return nil, fmt.Errorf("%s: %w: shifted BTF is made of debug information or of BTF that stands alone, and this is %s", s.m.path, ErrNoSource, s.found.Form)
	}
	t := s.found.Types
	named := func(id btf.TypeID) bool { return id < t.Start() && t.Type(id).NameOff() != 0 }
	s.r.After, s.r.Source = Split, "its .BTF.base"
	s.r.Changes = s.onto.changes(t, named, true, s.found.OnFrom)
	if s.found.OnFrom {
		s.r.Source = "its split BTF and the base of --from"
		if s.opt.From == nil {
			s.r.Source = "its split BTF and the base it was built on"
		}
		return s.closure()
	}
	moved, _, err := distill.Relocate(t, s.onto.Types)
	var misfit *distill.MisfitError
	switch {
	case errors.As(err, &misfit):
		// --force would not help: a distilled base has no members that could be kept.
		return nil, fmt.Errorf("%s: %w: %w", s.m.path, ErrNoSource, err)
	case err == nil:
		moved, err = s.onto.onto(moved)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.m.path, err)
	}
	// On a base of INTs alone it brings copies of kernel structs along, as BTF that stands alone does.
	seen := s.r.Changes
	s.compareOwn(moved)
	s.r.Changes = append(seen, s.r.Changes...)
	return s.link(moved)
}

// closure takes what the module refers to of its old base along: what is not equal in the new base becomes its own.
func (s sources) closure() (*btf.Types, error) {
	src := s.found.Types
	start := src.Start()
	newID := map[btf.TypeID]uint32{0: 0}
	var order []btf.TypeID
	var stack []btf.TypeID
	reach := func(id btf.TypeID) {
		if _, ok := newID[id]; !ok {
			newID[id] = 0
			stack = append(stack, id)
		}
	}
	for id := start; int(id) < src.Len(); id++ {
		newID[id] = 0
		for to := range src.Type(id).Refs() {
			if to < start {
				reach(to)
			}
		}
	}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for to := range src.Type(id).Refs() {
			reach(to)
		}
	}
	for id := btf.TypeID(1); int(id) < src.Len(); id++ { // the base's first, in its order
		if _, ok := newID[id]; ok {
			order = append(order, id)
			newID[id] = uint32(len(order))
		}
	}
	b := btf.NewBuilder(nil)
	b.Order = src.Order()
	for _, id := range order {
		rec := append([]uint32(nil), src.Record(id)...)
		btf.EachRef(rec, func(w *uint32) { *w = newID[btf.TypeID(*w)] })
		btf.EachName(rec, func(w *uint32) {
			if *w != 0 {
				*w = b.AddString(string(src.StringBytes(*w)))
			}
		})
		b.AddRecord(rec)
	}
	whole, err := b.Types()
	if err == nil {
		whole, err = s.onto.onto(whole)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.m.path, err)
	}
	return s.link(whole)
}
