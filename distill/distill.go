// Package distill gives module BTF another base: a small one of its own that is matched by name when the module is
// loaded (Distill, and Relocate for what the kernel does then), or another place on top of a base that it does not refer
// to (Shift, Portable, Unshift).
//
// Before it: encoder, which has split or standalone types. After it: btf writes them, internal/elfx puts them into the
// module. It knows nothing of files.
package distill

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
)

// kindSet is a set of kinds, a bit each.
type kindSet uint32

func kinds(list ...btf.Kind) (s kindSet) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

func (s kindSet) has(k btf.Kind) bool { return s>>k&1 != 0 }

var (
	enums      = kinds(btf.Enum, btf.Enum64)
	composites = kinds(btf.Struct, btf.Union)
	// referable are the kinds of the base that a split type may refer to.
	referable = kinds(btf.Int, btf.Float, btf.Fwd, btf.Array, btf.Struct, btf.Union, btf.Typedef, btf.Enum, btf.Enum64, btf.Ptr,
		btf.Const, btf.Restrict, btf.Volatile, btf.FuncProto, btf.TypeTag)
)

// Distill returns split's types on a base that holds no more than what they need of theirs: INT, FLOAT and FWD as they
// are, named structs, unions and enums by name and size alone. What else they refer to of the base is copied behind
// them. Strings are written anew, in order of first use. The result is libbpf 1.7.0's btf__distill_base, byte for byte
// (rule forms/distill).
//
// An error names the type that refers to a kind of the base that nothing may refer to (FUNC, VAR, DATASEC, DECL_TAG).
// Rule forms/distill.
func Distill(split *btf.Types) (own, base *btf.Types, err error) {
	from := split.Base()
	if from == nil {
		return nil, nil, fmt.Errorf("standalone BTF has no base to distill")
	}
	d := &distiller{split: split, start: split.Start(), newID: make([]btf.TypeID, split.Start())}
	if err := d.mark(); err != nil {
		return nil, nil, err
	}
	if base, err = d.distilledBase(); err != nil {
		return nil, nil, err
	}
	if own, err = d.onto(base); err != nil {
		return nil, nil, err
	}
	return own, base, nil
}

type distiller struct {
	split *btf.Types
	start btf.TypeID   // of split's own types
	used  []btf.TypeID // what is needed of the base, ascending
	newID []btf.TypeID // by base id: 0 not needed; needed while it is not known
}

const needed = ^btf.TypeID(0)

// mark finds what of the base is referred to, through all but named structs and unions.
func (d *distiller) mark() error {
	var stack []btf.TypeID
	var bad error
	visit := func(from btf.TypeID) {
		btf.EachRef(d.split.Record(from), func(w *uint32) {
			id := btf.TypeID(*w)
			if id == 0 || id >= d.start || d.newID[id] != 0 || bad != nil {
				return
			}
			t := d.split.Type(id)
			if !referable.has(t.Kind()) {
				bad = fmt.Errorf("type %d, %v %q: refers to %v %q of the base, which nothing may refer to", from, d.split.Type(from).Kind(), d.split.Type(from).Name(), t.Kind(), t.Name())
				return
			}
			d.newID[id] = needed
			if !composites.has(t.Kind()) || t.NameOff() == 0 {
				stack = append(stack, id)
			}
		})
	}
	for id := d.start; int(id) < d.split.Len(); id++ {
		visit(id)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			visit(top)
		}
		if bad != nil {
			return bad
		}
	}
	for id := btf.TypeID(1); id < d.start; id++ {
		if d.newID[id] != 0 {
			d.used = append(d.used, id)
		}
	}
	return nil
}

// distilledBase makes the new base and gives its types their ids.
func (d *distiller) distilledBase() (*btf.Types, error) {
	b := btf.NewBuilder(nil)
	b.Order = d.split.Order()
	for _, id := range d.used {
		rec := d.split.Record(id)
		switch k := btf.InfoKind(rec[1]); {
		case k == btf.Int || k == btf.Float || k == btf.Fwd:
			rec = append([]uint32(nil), rec...)
		case composites.has(k) && rec[0] != 0:
			rec = []uint32{rec[0], btf.InfoWord(k, 0, false), rec[2]}
		case enums.has(k) && rec[0] != 0:
			rec = []uint32{rec[0], btf.InfoWord(btf.Enum, 0, false), rec[2]}
		default:
			continue // copied behind the split types
		}
		d.rename(b, rec)
		d.newID[id] = b.AddRecord(rec)
	}
	return b.Types()
}

// onto copies split's types, and what is not in base, on top of base.
func (d *distiller) onto(base *btf.Types) (*btf.Types, error) {
	b := btf.NewBuilder(base)
	down := d.start - btf.TypeID(base.Len())
	next := btf.TypeID(d.split.Len()) - down
	for _, id := range d.used {
		if d.newID[id] == needed {
			d.newID[id] = next
			next++
		}
	}
	add := func(id btf.TypeID) {
		rec := append([]uint32(nil), d.split.Record(id)...)
		d.rename(b, rec)
		btf.EachRef(rec, func(w *uint32) {
			switch id := btf.TypeID(*w); {
			case id >= d.start:
				*w -= uint32(down)
			case id != 0:
				*w = uint32(d.newID[id])
			}
		})
		b.AddRecord(rec)
	}
	for id := d.start; int(id) < d.split.Len(); id++ {
		add(id)
	}
	for _, id := range d.used {
		if int(d.newID[id]) >= base.Len() {
			add(id)
		}
	}
	return b.Types()
}

// rename adds a copied record's names to b's strings.
func (d *distiller) rename(b *btf.Builder, rec []uint32) {
	btf.EachName(rec, func(w *uint32) {
		if *w != 0 {
			*w = b.AddString(string(d.split.StringBytes(*w)))
		}
	})
}
