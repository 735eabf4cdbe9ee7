package refit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/distill"
)

// Form is what a module's BTF was found to be.
type Form string

// The forms (docs/module-btf.md).
const (
	None      Form = "none"
	Split     Form = "split"
	Raw       Form = "raw"       // standalone, ids from 1
	Shifted   Form = "shifted"   // standalone, renumbered to sit on some base
	Portable  Form = "portable"  // standalone, on a .BTF.base that it does not refer to
	Distilled Form = "distilled" // split on a .BTF.base
)

// Found is what Recognise made of a module's BTF.
type Found struct {
	Form Form
	// Whole is the content of the forms that refer to themselves alone, with ids from 1.
	Whole *btf.Types
	// Types is what was found as it is: on Onto, on From, or on the .BTF.base of its own. It is nil for shifted and split BTF
	// whose base is not known.
	Types *btf.Types
	// OnOnto tells that Types continues the base that was asked for; OnFrom, that it is split on the old one.
	OnOnto, OnFrom bool
	// FirstID and FirstName are where a shifted BTF begins: how many types and bytes of strings its base has.
	FirstID, FirstName uint32

	// Stale: the file has a .BTF.base that this BTF does not continue.
	Stale bool
}

// ErrUnknownBase: it is split BTF, and of neither base that was given.
var ErrUnknownBase = errors.New("split BTF of another base than these")

// ErrAmbiguous: the bytes can be read in more than one way, and nothing says which is meant.
var ErrAmbiguous = errors.New("it is not certain where its ids begin")

// Recognise finds out what form a module's BTF has. own and section are the contents of .BTF and .BTF.base (nil if there is
// none), onto the base of the kernel in question and from the base the module was built on, or nil.
//
// A form counts only when the bytes make sense as this form and as no other: every reference leads to a kind that may stand
// there (a FUNC's to a FUNC_PROTO, a member's to what has a size ...) and every name to the beginning of a string. Split BTF
// that is read as standalone, or on a base that is not its own, does not survive that: its strings are the other base's
// middle. Where two readings remain the answer is ErrAmbiguous.
// Rule forms/recognise.
func Recognise(own, section []byte, onto, from *btf.Types) (*Found, error) {
	if section != nil {
		f, err := recogniseDistilled(own, section)
		if err == nil {
			return f, nil
		}
		// Something wrote new BTF and left the base of the old one there.
		if f, e := Recognise(own, nil, onto, from); e == nil {
			f.Stale = true
			return f, nil
		}
		return nil, fmt.Errorf("%w (on its .BTF.base: %w)", ErrUnknownBase, err)
	}
	raw, err := readRaw(own)
	if err != nil {
		return nil, err
	}
	// An empty BTF is split on anything.
	if len(raw.recs) == 0 && len(raw.strs) == 0 {
		t, err := btf.Parse(own, onto)
		return &Found{Form: Split, Types: t, OnOnto: true}, err
	}
	if t, err := btf.Parse(own, nil); err == nil && len(raw.strs) > 0 && raw.strs[0] == 0 && sensible(t) == nil {
		return &Found{Form: Raw, Whole: t, Types: t}, nil
	}
	if t, err := btf.Parse(own, onto); err == nil && sensible(t) == nil {
		f := &Found{Form: Split, Types: t, OnOnto: true}
		if whole, err := distill.Unshift(t); err == nil && selfContained(whole) {
			f.Form, f.Whole, f.FirstID, f.FirstName = Shifted, whole, uint32(t.Start()), t.StringsStart()
		}
		return f, nil
	}
	var unfit error
	if from != nil {
		t, err := btf.Parse(own, from)
		if err == nil {
			err = sensible(t)
		}
		if err == nil {
			f := &Found{Form: Split, Types: t, OnFrom: true}
			if whole, err := distill.Unshift(t); err == nil && selfContained(whole) {
				f.Form, f.Whole, f.FirstID, f.FirstName = Shifted, whole, uint32(t.Start()), t.StringsStart()
			}
			return f, nil
		}
		unfit = err
	}
	f, err := raw.unshift()
	switch {
	case err != nil:
		return nil, err
	case f != nil:
		return f, nil
	case unfit != nil:
		return nil, fmt.Errorf("%w (on --from: %v)", ErrUnknownBase, unfit)
	}
	return nil, ErrUnknownBase
}

// recogniseDistilled reads BTF that brings its base along.
func recogniseDistilled(own, section []byte) (*Found, error) {
	base, err := btf.Parse(section, nil)
	if err != nil {
		return nil, fmt.Errorf(".BTF.base: %w", err)
	}
	t, err := btf.Parse(own, base)
	if err != nil {
		return nil, err
	}
	if err := sensible(t); err != nil {
		return nil, err
	}
	if whole, err := distill.Unshift(t); err == nil {
		return &Found{Form: Portable, Types: t, Whole: whole}, nil
	}
	return &Found{Form: Distilled, Types: t}, nil
}

// selfContained tells standalone types from split ones that happen not to refer to the base: nothing that a compiler made
// does without an INT, and every kernel has them all, so that split BTF never has one of its own.
func selfContained(t *btf.Types) bool {
	for _, x := range t.All() {
		if x.Kind() == btf.Int {
			return true
		}
	}
	return false
}

// target is where a reference may lead.
type target uint8

const (
	anyType    target = iota // void, or what may stand behind a pointer or a modifier
	valueType                // what a member, an element, a parameter or a variable may be
	protoType                // FUNC_PROTO
	varType                  // VAR
	taggedType               // what a DECL_TAG may belong to
	indexType                // what counts an array
)

// allows says which kinds fit.
func (r target) allows(k btf.Kind) bool {
	switch r {
	case protoType:
		return k == btf.FuncProto
	case varType:
		return k == btf.Var
	case taggedType:
		return k == btf.Struct || k == btf.Union || k == btf.Func || k == btf.Var || k == btf.Typedef
	case indexType:
		return k == btf.Int || k == btf.Enum || k == btf.Typedef
	}
	switch k {
	case btf.Func, btf.Var, btf.Datasec, btf.DeclTag:
		return false
	case btf.FuncProto, btf.Void:
		return r == anyType
	case btf.Int, btf.Ptr, btf.Array, btf.Struct, btf.Union, btf.Enum, btf.Fwd, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict,
		btf.Float, btf.TypeTag, btf.Enum64:
		return true
	}
	return false
}

// eachTarget calls f with each reference of a record and what may stand there, until f says no.
func eachTarget(rec []uint32, f func(id uint32, may target) bool) bool {
	ok := true
	i := 0
	k := btf.InfoKind(rec[1])
	btf.EachRef(rec, func(w *uint32) {
		may := valueType
		switch k {
		case btf.Func:
			may = protoType
		case btf.Datasec:
			may = varType
		case btf.DeclTag:
			may = taggedType
		case btf.Array:
			if i == 1 {
				may = indexType
			}
		case btf.FuncProto:
			if i == 0 { // what it returns
				may = anyType
			}
		case btf.Ptr, btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			may = anyType
		case btf.Struct, btf.Union, btf.Var:
		case btf.Void, btf.Int, btf.Enum, btf.Fwd, btf.Float, btf.Enum64: // they refer to nothing
		}
		i++
		// Void has this number on every base, and says nothing about where ids begin; whether it may stand there is another question.
		ok = ok && (*w == 0 || f(*w, may))
	})
	return ok
}

// sensible tells whether own types refer to kinds that may stand there, and to whole names.
func sensible(t *btf.Types) error {
	_, err := fit(t)
	return err
}

// fitting counts how types fit the base that they are taken to be on.
type fitting struct {
	types int // own ones
	names int // those that have a name, or members or parameters that have one
	// Those that refer to a kind that may not stand there, and those of names that have one which begins inside of another.
	badRefs, badNames int
}

// other tells whether this is another base than they were built on, and not a fault in few of them. On another base names begin anywhere:
// three that begin where they should are no accident.
func (f *fitting) other() bool {
	return f.badNames > 0 || f.names < 3 && 4*f.badRefs >= f.types
}

// fit looks at how the types of t fit its base; err is about the first that does not.
func fit(t *btf.Types) (f fitting, err error) {
	base := t.Base()
	own := starts(t.Strings())
	var below []starts
	for ; base != nil; base = base.Base() {
		below = append([]starts{base.Strings()}, below...)
	}
	strStart := t.StringsStart()
	f.types = t.Len() - int(t.Start())
	for id := t.Start(); int(id) < t.Len(); id++ {
		rec := t.Record(id)
		if !eachTarget(rec, func(to uint32, may target) bool { return may.allows(t.Type(btf.TypeID(to)).Kind()) }) {
			if f.badRefs++; err == nil {
				err = fmt.Errorf("type %d, %v: refers to a kind that may not stand there", id, btf.InfoKind(rec[1]))
			}
		}
		named, ok := false, true
		btf.EachName(rec, func(w *uint32) {
			named = named || *w != 0
			switch {
			case *w >= strStart:
				ok = ok && own.has(*w-strStart)
			case *w != 0:
				ok = ok && hasBelow(below, *w)
			}
		})
		if named {
			f.names++
		}
		if !ok {
			if f.badNames++; err == nil {
				err = fmt.Errorf("type %d, %v: its name begins inside of another", id, btf.InfoKind(rec[1]))
			}
		}
	}
	return f, err
}

// starts tells where the strings of one section begin.
type starts []byte

func (s starts) has(off uint32) bool {
	return int(off) < len(s) && (off == 0 || s[off-1] == 0)
}

// hasBelow asks the string sections of a chain of bases, the lowest first.
func hasBelow(sections []starts, off uint32) bool {
	for _, s := range sections {
		if int(off) < len(s) {
			return s.has(off)
		}
		off -= uint32(len(s))
	}
	return false
}

// raw is a BTF whose base is not known: records, and strings.
type raw struct {
	header btf.Header
	recs   [][]uint32
	words  []uint32
	strs   []byte
}

// part cuts out a section, which ParseHeader has checked; an empty one may claim to be anywhere.
func part(body []byte, off, n uint32) []byte {
	if n == 0 {
		return nil
	}
	return body[off:][:n:n]
}

func readRaw(data []byte) (*raw, error) {
	h, err := btf.ParseHeader(data)
	if err != nil {
		return nil, err
	}
	body := data[h.Len:]
	types := part(body, h.TypeOff, h.TypeLen)
	r := &raw{header: h, strs: part(body, h.StrOff, h.StrLen), words: make([]uint32, len(types)/4)}
	if len(types)%4 != 0 {
		return nil, errors.New("types: no whole number of words")
	}
	for i := range r.words {
		r.words[i] = h.Order.Uint32(types[4*i:])
	}
	for w := r.words; len(w) > 0; {
		n := 3
		if len(w) >= 3 {
			n = btf.RecordWords(w[1])
		}
		if len(w) < n || btf.InfoKind(w[1]) == btf.Void || btf.InfoKind(w[1]) >= btf.NumKinds {
			return nil, fmt.Errorf("type %d of its own: no record of a known kind", len(r.recs))
		}
		r.recs = append(r.recs, w[:n:n])
		w = w[n:]
	}
	if len(r.strs) > 0 && r.strs[len(r.strs)-1] != 0 {
		return nil, errors.New("strings: the last does not end")
	}
	return r, nil
}

// maxTries bounds the search for where ids and strings begin: references and names looked at. The largest module of Debian's
// 6.12 takes less than a million.
const maxTries = 1 << 26

// unshift finds where shifted types begin when the base is not known: all references and names must fall into their own
// part. It returns nil when they do not, and ErrAmbiguous when they do in more than one way.
func (r *raw) unshift() (*Found, error) {
	if !r.hasInt() {
		return nil, nil
	}
	tries := 0
	id, ids := r.solve(btf.EachRef, uint32(len(r.recs)), func(at uint32) bool { return r.idsBeginAt(at, &tries) })
	// Without its leading zero byte, or, as others write it, with it: the offset of the first byte is what counts.
	str, strs := r.solve(btf.EachName, uint32(len(r.strs)), func(at uint32) bool { return r.namesBeginAt(at, &tries) })
	switch {
	case tries > maxTries || ids > 1 || strs > 1:
		return nil, ErrAmbiguous
	case ids == 0 || strs == 0:
		return nil, nil
	}
	words := slices.Clone(r.words)
	lead := []byte{0}
	skip := uint32(1)
	if r.strs[0] == 0 {
		lead, skip = nil, 0
	}
	for at := 0; at < len(words); {
		rec := words[at : at+btf.RecordWords(words[at+1])]
		at += len(rec)
		btf.EachRef(rec, func(w *uint32) {
			if *w != 0 {
				*w -= id - 1
			}
		})
		btf.EachName(rec, func(w *uint32) {
			if *w != 0 {
				*w -= str - skip
			}
		})
	}
	whole, err := btf.New(words, append(lead, r.strs...), nil, r.header.Order)
	if err != nil {
		return nil, nil // what does not make standalone types was not shifted
	}
	if sensible(whole) != nil {
		return nil, nil
	}
	return &Found{Form: Shifted, Whole: whole, FirstID: id, FirstName: str}, nil
}

func (r *raw) hasInt() bool {
	for _, rec := range r.recs {
		if btf.InfoKind(rec[1]) == btf.Int {
			return true
		}
	}
	return false
}

// solve returns the first place that fits, and how many do (two are enough to know). All words that each visits, but 0, must
// lie in n places from there.
func (r *raw) solve(each func([]uint32, func(*uint32)), n uint32, fits func(at uint32) bool) (at uint32, count int) {
	lo, hi := uint32(1<<32-1), uint32(0)
	for _, rec := range r.recs {
		each(rec, func(w *uint32) {
			if *w != 0 {
				lo, hi = min(lo, *w), max(hi, *w)
			}
		})
	}
	if hi == 0 || hi-lo >= n {
		return 0, 0
	}
	for c := max(1, int64(hi)-int64(n)+1); c <= int64(lo) && count < 2; c++ {
		if fits(uint32(c)) {
			if count == 0 {
				at = uint32(c)
			}
			count++
		}
	}
	return at, count
}

// idsBeginAt tells whether all references make sense when the first own type has this id.
func (r *raw) idsBeginAt(first uint32, tries *int) bool {
	for _, rec := range r.recs {
		if !eachTarget(rec, func(id uint32, may target) bool {
			*tries++
			return *tries <= maxTries && may.allows(btf.InfoKind(r.recs[id-first][1]))
		}) {
			return false
		}
	}
	return true
}

// namesBeginAt tells whether all names are whole strings when the first own byte of strings has this offset.
func (r *raw) namesBeginAt(first uint32, tries *int) bool {
	s := starts(r.strs)
	for _, rec := range r.recs {
		ok := true
		btf.EachName(rec, func(w *uint32) {
			*tries++
			ok = ok && (*w == 0 || s.has(*w-first))
		})
		if !ok || *tries > maxTries {
			return false
		}
	}
	return true
}
