package distill

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Misfit is a type of a distilled base that has no partner in another base, or no certain one.
type Misfit struct {
	ID   btf.TypeID // in the distilled base
	Kind btf.Kind
	Name string
	Why  string        // "not there", "size 40 here, 32 there", ...
	Two  [2]btf.TypeID // of the base, where two fit; else 0
}

func (m Misfit) String() string { return fmt.Sprintf("%v %s: %s", m.Kind, m.Name, m.Why) }

// Message is what a kernel logs of it when it relocates onto base.
func (m Misfit) Message(base *btf.Types) string {
	if m.Two[1] == 0 {
		return fmt.Sprintf("distilled base BTF type '%s' [%d] is not mapped to base BTF id", m.Name, m.ID)
	}
	return fmt.Sprintf("distilled base BTF type '%s' [%d], size %d has multiple candidates of the same size (ids [%d, %d]) in base BTF",
		m.Name, m.ID, base.Record(m.Two[1])[2], m.Two[1], m.Two[0])
}

// MisfitError says which types a base does not have as they are needed. A kernel answers each with "failed to validate
// module BTF: -22".
type MisfitError struct {
	Misfits []Misfit
}

// maxNamed is how many types an error names.
const maxNamed = 8

func (e *MisfitError) Error() string {
	var s []string
	for i, m := range e.Misfits {
		if i == maxNamed {
			s = append(s, fmt.Sprintf("and %d more", len(e.Misfits)-i))
			break
		}
		s = append(s, m.String())
	}
	return "does not fit the base: " + strings.Join(s, "; ")
}

// Relocate moves split types from their distilled base onto another one, as the kernel and libbpf's btf__relocate do
// when a module is loaded, their oddities included (rule forms/relocate). ids says what became of each id of the distilled
// base; own ids move up by the difference of the bases' lengths. Nothing is merged: dedup does that.
//
// An error of type *MisfitError names all types that do not fit, and how.
// Rule forms/relocate.
func Relocate(split, target *btf.Types) (moved *btf.Types, ids []btf.TypeID, err error) {
	d := split.Base()
	switch {
	case d == nil:
		return nil, nil, fmt.Errorf("standalone BTF cannot be relocated")
	case d == target:
		return nil, nil, fmt.Errorf("it is on this base already")
	case split.BigEndian() != target.BigEndian():
		return nil, nil, fmt.Errorf("the bases differ in byte order")
	}
	r := &relocator{split: split, from: d, to: target, ids: make([]btf.TypeID, d.Len()), embedded: make([]bool, d.Len())}
	if err := r.index(); err != nil {
		return nil, nil, err
	}
	r.markEmbedded()
	r.match()
	if misfits := r.misfits(); len(misfits) > 0 {
		return nil, nil, &MisfitError{misfits}
	}
	words, err := r.rewrite()
	if err != nil {
		return nil, nil, err
	}
	moved, err = btf.New(words, split.Strings(), target, split.Order())
	return moved, r.ids, err
}

type relocator struct {
	split, from, to *btf.Types

	names    map[string][]btf.TypeID // distilled types by name, larger ones first
	ids      []btf.TypeID            // by distilled id; 0 not matched
	embedded []bool                  // by distilled id: a struct of the module has it by value
	twice    map[btf.TypeID]btf.TypeID
	strs     map[uint32]uint32 // name offsets of matched types
}

// distilledKinds are what a distilled base may hold.
var distilledKinds = kinds(btf.Int, btf.Float, btf.Enum, btf.Struct, btf.Union, btf.Fwd)

func (r *relocator) index() error {
	r.names = make(map[string][]btf.TypeID, r.from.Len())
	for id := btf.TypeID(1); int(id) < r.from.Len(); id++ {
		t := r.from.Type(id)
		if !distilledKinds.has(t.Kind()) || t.NameOff() == 0 {
			return fmt.Errorf("type %d, %v %q: nothing that a distilled base may hold", id, t.Kind(), t.Name())
		}
		r.names[t.Name()] = append(r.names[t.Name()], id)
	}
	for _, list := range r.names {
		sort.SliceStable(list, func(i, j int) bool { return r.from.Record(list[i])[2] > r.from.Record(list[j])[2] })
	}
	return nil
}

// valueKinds lead from a member's type to what is in the struct.
var valueKinds = kinds(btf.Const, btf.Restrict, btf.Volatile, btf.Typedef, btf.TypeTag, btf.Array)

// markEmbedded finds the structs of the base that own structs have by value: their sizes must be equal.
func (r *relocator) markEmbedded() {
	start := r.split.Start()
	for id := start; int(id) < r.split.Len(); id++ {
		if !composites.has(r.split.Type(id).Kind()) {
			continue
		}
		for m := range r.split.Type(id).Refs() {
			for n := 0; valueKinds.has(r.split.Type(m).Kind()) && n < r.split.Len(); n++ {
				m = r.behind(m)
			}
			if m < start && composites.has(r.split.Type(m).Kind()) {
				r.embedded[m] = true
			}
		}
	}
}

// sized are the kinds whose name and size must both be equal.
var sized = kinds(btf.Int, btf.Float, btf.Enum, btf.Enum64)

// match looks for a partner of every distilled type among the named types of the target.
func (r *relocator) match() {
	r.strs = make(map[uint32]uint32, r.from.Len())
	count := r.countNames()
	for id := btf.TypeID(1); int(id) < r.to.Len(); id++ {
		rec := r.to.Record(id)
		k := btf.InfoKind(rec[1])
		if rec[0] == 0 || !sized.has(k) && k != btf.Fwd && !composites.has(k) {
			continue
		}
		list := r.names[string(r.to.StringBytes(rec[0]))]
		if len(list) == 0 {
			continue
		}
		bySize := sized.has(k) || composites.has(k) && count[rec[0]] > 1
		for _, d := range list {
			drec := r.from.Record(d)
			if bySize && drec[2] != rec[2] || !r.fits(d, id, drec, rec) {
				continue
			}
			if r.ids[d] != 0 {
				if r.twice == nil {
					r.twice = map[btf.TypeID]btf.TypeID{}
				}
				if r.twice[d] == 0 { // a kernel ends here
					r.twice[d] = id
				}
				continue
			}
			r.ids[d] = id
			r.strs[drec[0]] = rec[0]
		}
	}
}

// countNames counts the structs and unions of a name, together, where a distilled type has that name.
func (r *relocator) countNames() map[uint32]int {
	count := make(map[uint32]int, r.from.Len())
	for id := btf.TypeID(1); int(id) < r.to.Len(); id++ {
		rec := r.to.Record(id)
		if composites.has(btf.InfoKind(rec[1])) && rec[0] != 0 {
			count[rec[0]]++
		}
	}
	return count
}

// fits tells whether type id of the target can be the partner of distilled type d of the same name. Some of what it lets
// pass is odd, but the kernel does: a struct's partner may be of another kind, and which kind_flag a declaration wants is
// compared with the one that says that a struct has bitfields.
func (r *relocator) fits(d, id btf.TypeID, drec, rec []uint32) bool {
	k := btf.InfoKind(rec[1])
	switch dk := btf.InfoKind(drec[1]); dk {
	case btf.Fwd:
		switch k {
		case btf.Fwd:
			return btf.InfoKflag(drec[1]) == btf.InfoKflag(rec[1])
		case btf.Struct:
			return !btf.InfoKflag(rec[1])
		case btf.Union:
			return btf.InfoKflag(rec[1])
		default: // other kinds: nothing declares them
			return false
		}
	case btf.Int:
		return k == btf.Int && r.from.Type(d).Int().Encoding == r.to.Type(id).Int().Encoding
	case btf.Float:
		return k == btf.Float
	case btf.Enum:
		return enums.has(k)
	default: // other kinds: STRUCT and UNION, which distilledKinds leaves; once it has a partner, nobody knows any more that it is embedded
		return !r.embedded[d] || r.ids[d] != 0 || drec[2] == rec[2]
	}
}

// misfits lists the distilled types without a certain partner, and says why.
func (r *relocator) misfits() (list []Misfit) {
	for id := btf.TypeID(1); int(id) < r.from.Len(); id++ {
		second, ambiguous := r.twice[id]
		if r.ids[id] != 0 && !ambiguous {
			continue
		}
		t := r.from.Type(id)
		m := Misfit{ID: id, Kind: t.Kind(), Name: t.Name()}
		if ambiguous {
			m.Two = [2]btf.TypeID{r.ids[id], second}
			m.Why = fmt.Sprintf("types %d and %d of the base both fit", r.ids[id], second)
		} else {
			m.Why = r.whyNot(id, t)
		}
		list = append(list, m)
	}
	return list
}

// whyNot compares with what the target has under that name.
func (r *relocator) whyNot(id btf.TypeID, t btf.Type) string {
	var why []string
	for _, x := range r.to.All() {
		if x.NameOff() == 0 || !bytes.Equal(r.to.StringBytes(x.NameOff()), r.from.StringBytes(t.NameOff())) {
			continue
		}
		switch {
		case composites.has(t.Kind()) && composites.has(x.Kind()) && x.Size() != t.Size():
			s := fmt.Sprintf("size %d here, %d in the base", t.Size(), x.Size())
			if r.embedded[id] {
				s += " (a struct of the module has it by value)"
			}
			why = append(why, s)
		case sized.has(x.Kind()) && x.Size() != t.Size():
			why = append(why, fmt.Sprintf("size %d here, %v of size %d in the base", t.Size(), x.Kind(), x.Size()))
		case t.Kind() == btf.Int && x.Kind() == btf.Int:
			why = append(why, "another encoding in the base")
		case sized.has(x.Kind()) || composites.has(x.Kind()) || x.Kind() == btf.Fwd || x.Kind() == btf.Typedef:
			why = append(why, fmt.Sprintf("%v in the base", x.Kind()))
		}
	}
	if len(why) == 0 {
		return "not in the base"
	}
	return strings.Join(why, ", ")
}

// rewrite returns own types' words with ids and names of the target.
func (r *relocator) rewrite() ([]uint32, error) {
	start, strStart := uint32(r.split.Start()), r.split.StringsStart()
	up := uint32(r.to.Len()) - start
	strUp := r.to.StringsEnd() - strStart
	words := append([]uint32(nil), r.split.Words()...)
	var err error
	at := 0
	for id := r.split.Start(); int(id) < r.split.Len(); id++ {
		rec := words[at : at+len(r.split.Record(id))]
		at += len(rec)
		btf.EachRef(rec, func(w *uint32) {
			if *w >= start {
				*w += up
			} else if *w != 0 {
				*w = uint32(r.ids[*w])
			}
		})
		btf.EachName(rec, func(w *uint32) {
			switch to, ok := r.strs[*w]; {
			case *w == 0:
			case *w >= strStart:
				*w += strUp
			case ok:
				*w = to
			case err == nil:
				t := r.split.Type(id)
				err = fmt.Errorf("type %d, %v %q: the name %q is in the distilled base but is no type's there", id, t.Kind(), t.Name(), r.from.StringBytes(*w))
			}
		})
	}
	return words, err
}

// behind returns the first type that another refers to: an array's element, what a qualifier qualifies.
func (r *relocator) behind(id btf.TypeID) btf.TypeID {
	for to := range r.split.Type(id).Refs() {
		return to
	}
	return 0
}
