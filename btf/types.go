package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/gobtf/gobtf/internal/mem"
)

// Types holds the types of one BTF, alone or on a base. It is not changed after it
// was made, so many goroutines may read it.
type Types struct {
	base  *Types
	start TypeID // id of the first own record
	words []uint32
	index []uint32 // where own record i starts in words; one entry more for the end
	strs  []byte
	strAt uint32 // offset of strs[0] in base's and own strings together
	order binary.ByteOrder
	form  HeaderForm

	textOnce sync.Once
	text     string // strs, from which names are cut without copying each
	offsOnce sync.Once
	offs     *offsetIndex
}

// Parse reads a BTF. base is what it continues if it is split, else nil.
//
// The result keeps data, which must not change as long as it is used.
func Parse(data []byte, base *Types) (*Types, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	body := data[h.Len:]
	t := &Types{order: h.Order, form: h.Form(), strs: section(body, h.StrOff, h.StrLen)}
	t.words = wordsOf(section(body, h.TypeOff, h.TypeLen), h.Order)
	if base != nil && foreign(base.order) != foreign(h.Order) {
		return nil, &Error{Section: "header", Err: fmt.Errorf("byte order is %v, but the base's is %v", h.Order, base.order)}
	}
	return t, t.init(base)
}

func section(body []byte, off, n uint32) []byte {
	if n == 0 {
		return nil
	}
	return body[off:][:n:n]
}

// New makes Types of native-order words and strings, which must not change any
// more. It checks what Parse checks. base is nil or what they continue; order is
// the one in which they are to be written.
func New(words []uint32, strs []byte, base *Types, order binary.ByteOrder) (*Types, error) {
	t := &Types{words: words, strs: strs, order: order}
	return t, t.init(base)
}

// init indexes and checks everything that readers rely on.
func (t *Types) init(base *Types) error {
	t.base, t.start = base, 1
	if base != nil {
		t.start, t.strAt = TypeID(base.Len()), base.StringsEnd()
	}
	n := len(t.strs)
	switch {
	case n == 0 && base == nil:
		return &Error{Section: "strings", Err: fmt.Errorf("%w: string section is empty", ErrTruncated)}
	case n > 0 && t.strs[n-1] != 0:
		return &Error{Section: "strings", Off: n - 1, Err: errors.New("last string has no end")}
	case base == nil && t.strs[0] != 0:
		return &Error{Section: "strings", Err: errors.New("first string is not empty: is this a split BTF, which needs its base?")}
	case uint64(t.strAt)+uint64(n) > MaxNameOff+1:
		return &Error{Section: "strings", Err: fmt.Errorf("strings end at %#x, which is more than %#x", uint64(t.strAt)+uint64(n), uint64(MaxNameOff+1))}
	}
	top, name, err := t.scan()
	if err != nil {
		return err
	}
	if t.Len() > MaxID {
		return &Error{Section: "types", Err: fmt.Errorf("%d types are more than %d", t.Len(), MaxID)}
	}
	if uint64(top) >= uint64(t.Len()) || uint64(name) >= uint64(t.StringsEnd()) && name != 0 {
		return t.dangling()
	}
	return nil
}

// scan finds the records, and the largest reference and name offset in them: a
// single comparison each then says whether all are good.
func (t *Types) scan() (top, name uint32, err error) {
	w := t.words
	t.index = make([]uint32, 0, len(w)/6+1) // a vmlinux has 6.4 words a type
	mem.Populate(t.index[:cap(t.index)])
	p := 0
	for p < len(w) {
		rec := w[p:]
		if len(rec) < 3 {
			return 0, 0, t.cut(p, 3)
		}
		k := InfoKind(rec[1])
		if k == Void || k >= NumKinds {
			return 0, 0, t.fail(p, fmt.Errorf("kind %d is not known", k))
		}
		ki := &kinds[k]
		size := ki.head + InfoVlen(rec[1])*ki.step
		if size > len(rec) {
			return 0, 0, t.cut(p, size)
		}
		rec = rec[:size]
		name, top = max(name, rec[0]), max(top, rec[2]&ki.thirdMask)
		for _, i := range ki.extraRefs {
			top = max(top, rec[i])
		}
		if step := ki.step; step > 0 {
			nameAt, nameMask, refAt, refMask := ki.nameAt, ki.nameMask, ki.refAt, ki.refMask
			for e := rec[ki.head:]; len(e) >= step; e = e[step:] {
				name, top = max(name, e[nameAt]&nameMask), max(top, e[refAt]&refMask)
			}
		}
		t.index = append(t.index, uint32(p))
		p += size
	}
	t.index = append(t.index, uint32(p))
	return top, name, nil
}

// fail is an error at word p, where the record of the next type starts.
func (t *Types) fail(p int, err error) error {
	return &Error{Section: "types", Off: 4 * p, ID: t.start + TypeID(len(t.index)), Err: err}
}

func (t *Types) cut(p, size int) error {
	return t.fail(p, fmt.Errorf("%w: record has %d bytes, but %d are left", ErrTruncated, 4*size, 4*(len(t.words)-p)))
}

// dangling finds the first reference or name that leads nowhere.
func (t *Types) dangling() error {
	hint := ""
	if t.base == nil {
		hint = ": is this a split BTF, which needs its base?"
	}
	for i, p := range t.index[:len(t.index)-1] {
		rec, bad := t.words[p:t.index[i+1]], error(nil)
		EachName(rec, func(w *uint32) {
			if bad == nil && *w != 0 && *w >= t.StringsEnd() {
				bad = fmt.Errorf("name offset %#x is outside of the strings, which end at %#x%s", *w, t.StringsEnd(), hint)
			}
		})
		EachRef(rec, func(w *uint32) {
			if bad == nil && uint64(*w) >= uint64(t.Len()) {
				bad = fmt.Errorf("refers to type %d, but the last one is %d%s", *w, t.Len()-1, hint)
			}
		})
		if bad != nil {
			return &Error{Section: "types", Off: 4 * int(p), ID: t.start + TypeID(i), Err: bad}
		}
	}
	return errors.New("dangling reference")
}

// Len returns the number of types, void and the base's included: ids are less than it.
func (t *Types) Len() int { return int(t.start) + len(t.index) - 1 }

// Start returns the id of the first own type: 1, or on a base the base's Len.
func (t *Types) Start() TypeID { return t.start }

// Base returns what t continues, or nil.
func (t *Types) Base() *Types { return t.base }

// Order returns the byte order t was read in, and is written in.
func (t *Types) Order() binary.ByteOrder { return t.order }

// BigEndian tells whether that order is big-endian.
func (t *Types) BigEndian() bool { return t.order == binary.ByteOrder(binary.BigEndian) }

// Form returns the form of header that t was read with.
func (t *Types) Form() HeaderForm { return t.form }

// Words returns the records of t's own types in native order. They must not be changed.
func (t *Types) Words() []uint32 { return t.words }

// Strings returns t's own string section, without the base's. It must not be changed.
func (t *Types) Strings() []byte { return t.strs }

// StringsStart returns the offset of the first own string: 0, or on a base the
// length of its strings.
func (t *Types) StringsStart() uint32 { return t.strAt }

// StringsEnd returns the length of base's and own strings together: the offset at which the strings of a BTF on t begin.
func (t *Types) StringsEnd() uint32 { return t.strAt + uint32(len(t.strs)) }

var voidRecord = []uint32{0, 0, 0}

// Record returns the words of a type in native order. They must not be changed. An
// id that is not there gives void's.
func (t *Types) Record(id TypeID) []uint32 {
	for id < t.start {
		if t.base == nil {
			return voidRecord
		}
		t = t.base
	}
	i := id - t.start
	if int64(i) >= int64(len(t.index)-1) {
		return voidRecord
	}
	from, to := t.index[i], t.index[i+1]
	return t.words[from:to:to]
}

// Type returns a view of a type, void for an id that is not there.
func (t *Types) Type(id TypeID) Type { return Type{t, t.Record(id)} }

// All iterates over t's own types.
func (t *Types) All() iter.Seq2[TypeID, Type] {
	return func(yield func(TypeID, Type) bool) {
		for i := range len(t.index) - 1 {
			if !yield(t.start+TypeID(i), Type{t, t.words[t.index[i]:t.index[i+1]:t.index[i+1]]}) {
				return
			}
		}
	}
}

// StringBytes returns the string at an offset, without its end; it must not be
// changed. An offset outside of the strings gives an empty one.
func (t *Types) StringBytes(off uint32) []byte {
	for off < t.strAt {
		t = t.base // there is one: without, strAt is 0
	}
	off -= t.strAt
	if uint64(off) >= uint64(len(t.strs)) {
		return nil
	}
	s := t.strs[off:]
	return s[:bytes.IndexByte(s, 0)] // init made sure that the last string ends
}

// String returns the string at an offset.
func (t *Types) String(off uint32) (string, error) {
	if off >= t.StringsEnd() && off != 0 {
		return "", &Error{Section: "strings", Off: int(off), Err: fmt.Errorf("no string there: they end at %#x", t.StringsEnd())}
	}
	return t.name(off), nil
}

// name is String for the offsets in records, which init has checked.
func (t *Types) name(off uint32) string {
	if off == 0 {
		return ""
	}
	for off < t.strAt {
		t = t.base
	}
	t.textOnce.Do(func() { t.text = string(t.strs) })
	off -= t.strAt
	if uint64(off) >= uint64(len(t.text)) {
		return ""
	}
	return t.text[off : int(off)+bytes.IndexByte(t.strs[off:], 0)]
}

// Append appends t's own types and strings as a BTF with the form of header they were read with.
func (t *Types) Append(dst []byte) []byte { return t.AppendForm(dst, t.form) }

// AppendForm is Append with another form of header.
func (t *Types) AppendForm(dst []byte, form HeaderForm) []byte {
	dst = appendHeader(dst, form, 4*len(t.words), len(t.strs), t.order)
	return appendStrings(appendWords(dst, t.words, t.order), form, t.strs)
}

// WithStrings returns t, or where split BTF has no strings of its own, the same with a string section of one zero byte. A kernel takes an
// empty section, but readers in the field do not: cilium/ebpf before 0.20, which reads the BTF of all loaded modules.
func (t *Types) WithStrings() *Types {
	if t.base == nil || len(t.strs) > 0 {
		return t
	}
	return &Types{base: t.base, start: t.start, words: t.words, index: t.index, strs: []byte{0}, strAt: t.strAt, order: t.order, form: t.form}
}

// Type is a view of one type.
type Type struct {
	ts  *Types
	rec []uint32
}

// Record returns the type's words in native order. They must not be changed.
func (t Type) Record() []uint32 { return t.rec }

// Kind returns the type's kind.
func (t Type) Kind() Kind { return InfoKind(t.rec[1]) }

// Name returns the type's name, empty if it has none.
func (t Type) Name() string { return t.ts.name(t.rec[0]) }

// NameOff returns the offset of the type's name.
func (t Type) NameOff() uint32 { return t.rec[0] }

// Vlen returns how many elements there are: members, values, parameters or variables; of a FUNC
// it is the linkage.
func (t Type) Vlen() int { return InfoVlen(t.rec[1]) }

// Kflag returns the kind_flag.
func (t Type) Kflag() bool { return InfoKflag(t.rec[1]) }

// Size returns the size in bytes, 0 for kinds that have none.
func (t Type) Size() uint32 {
	if t.Kind().Sized() {
		return t.rec[2]
	}
	return 0
}

// Ref returns the third word as a reference: what a pointer points to, what a
// prototype returns. Kinds that have none there give void, which is also what a
// pointer to void gives.
func (t Type) Ref() TypeID {
	return TypeID(t.rec[2] & kinds[t.Kind()].thirdMask)
}

// Refs iterates over all references, in the order in which EachRef meets them.
func (t Type) Refs() iter.Seq[TypeID] {
	return func(yield func(TypeID) bool) {
		on := true
		EachRef(t.rec, func(w *uint32) { on = on && yield(TypeID(*w)) })
	}
}

// IntInfo describes an INT's word: its encoding, and where in the size its bits lie.
type IntInfo struct{ Encoding, Offset, Bits uint8 }

// Encodings of an INT.
const (
	Signed = 1
	Char   = 2
	Bool   = 4
)

// Int returns what an INT's word says.
func (t Type) Int() IntInfo {
	if t.Kind() != Int {
		return IntInfo{}
	}
	w := t.rec[3]
	return IntInfo{uint8(w >> 24 & 15), uint8(w >> 16), uint8(w)}
}

// Array returns an ARRAY's element type, index type and number of elements.
func (t Type) Array() (elem, index TypeID, n uint32) {
	if t.Kind() != Array {
		return 0, 0, 0
	}
	return TypeID(t.rec[3]), TypeID(t.rec[4]), t.rec[5]
}

// Linkage of a FUNC or VAR.
const (
	Static = 0
	Global = 1
	Extern = 2
)

// Linkage returns a FUNC's or VAR's linkage.
func (t Type) Linkage() uint32 {
	switch t.Kind() {
	case Func:
		return uint32(t.Vlen())
	case Var:
		return t.rec[3]
	default: // other kinds: they have no linkage
		return 0
	}
}

// Component returns which member or parameter a DECL_TAG belongs to, -1 for the whole.
func (t Type) Component() int32 {
	if t.Kind() != DeclTag {
		return -1
	}
	return int32(t.rec[3])
}

// Member is a member of a STRUCT or UNION.
type Member struct {
	Name    string
	NameOff uint32
	Type    TypeID
	Bit     uint32 // offset in bits
	Bits    uint32 // width of a bitfield, else 0
}

// Members iterates over the members of a STRUCT or UNION.
func (t Type) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		if k := t.Kind(); k != Struct && k != Union {
			return
		}
		kflag := t.Kflag()
		for e := t.rec[3:]; len(e) >= 3; e = e[3:] {
			m := Member{Name: t.ts.name(e[0]), NameOff: e[0], Type: TypeID(e[1]), Bit: e[2]}
			if kflag {
				m.Bit, m.Bits = e[2]&maxBitOff, e[2]>>24
			}
			if !yield(m) {
				return
			}
		}
	}
}

// Param is a parameter of a FUNC_PROTO. The last one is void without a name when
// there are variable arguments.
type Param struct {
	Name    string
	NameOff uint32
	Type    TypeID
}

// Params iterates over the parameters of a FUNC_PROTO.
func (t Type) Params() iter.Seq[Param] {
	return func(yield func(Param) bool) {
		if t.Kind() != FuncProto {
			return
		}
		for e := t.rec[3:]; len(e) >= 2; e = e[2:] {
			if !yield(Param{t.ts.name(e[0]), e[0], TypeID(e[1])}) {
				return
			}
		}
	}
}

// Value is a value of an ENUM or ENUM64, sign-extended if the enum is signed.
type Value struct {
	Name    string
	NameOff uint32
	Value   uint64
}

// Values iterates over the values of an ENUM or ENUM64.
func (t Type) Values() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		k := t.Kind()
		if k != Enum && k != Enum64 {
			return
		}
		for e, step := t.rec[3:], kinds[k].step; len(e) >= step; e = e[step:] {
			v := Value{t.ts.name(e[0]), e[0], uint64(e[1])}
			switch {
			case k == Enum64:
				v.Value |= uint64(e[2]) << 32
			case t.Kflag():
				v.Value = uint64(int32(e[1]))
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Entry is a variable of a DATASEC.
type Entry struct {
	Var          TypeID
	Offset, Size uint32 // in bytes, from the beginning of the section
}

// Entries iterates over the variables of a DATASEC.
func (t Type) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if t.Kind() != Datasec {
			return
		}
		for e := t.rec[3:]; len(e) >= 3; e = e[3:] {
			if !yield(Entry{TypeID(e[0]), e[1], e[2]}) {
				return
			}
		}
	}
}
