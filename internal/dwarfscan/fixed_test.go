package dwarfscan

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// attribute is one of a random abbreviation.
type attribute struct {
	at, form uint64
	implicit byte
	data     []byte // in the DIE
	value    uint64
}

// randomAttributes are of a few kinds, most of them of fixed size, for any tag.
func randomAttributes(r *rand.Rand, f Format) (list []attribute) {
	names := []uint64{atName, atType, atMemberLoc, atByteSize, atBitSize, atDeclFile, atSibling, atExternal, atDataBitOffset, 0x39}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, at := range names[:r.IntN(len(names))] {
		a := attribute{at: at}
		word := func(form Form, size int) {
			a.form = uint64(form)
			for range size {
				a.data = append(a.data, byte(r.Uint32()))
			}
			for i := range size {
				j := i
				if !f.BigEndian {
					j = size - 1 - i
				}
				a.value = a.value<<8 | uint64(a.data[j])
			}
		}
		switch r.IntN(14) {
		case 0, 1, 2:
			word(FormData1, 1)
		case 3:
			word(FormData2, 2)
		case 4:
			word(FormData8, 8)
		case 5:
			word(FormStrx3, 3)
		case 6:
			a.form, a.implicit = uint64(FormImplicitConst), byte(r.IntN(64))
			a.value = uint64(a.implicit)
		case 7:
			a.form, a.value = uint64(FormFlagPresent), 1
		case 8:
			a.form, a.data, a.value = uint64(FormUdata), []byte{0x85, 1}, 0x85
		case 9, 10:
			word(FormStrp, int(f.offsetSize()))
		default:
			word(FormRef4, 4)
		}
		list = append(list, a)
	}
	return list
}

// Values are what the standard says, whatever the forms, up to the buffer's last byte, and nothing is read behind it. PlainMember agrees with Next.
func TestFixed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plain, fixed := 0, 0
	for range 20000 {
		f := formats()[r.IntN(len(formats()))]
		tag := []Tag{TagMember, TagMember, TagVariable, TagStruct}[r.IntN(4)]
		children := r.IntN(4) == 0
		attrs := randomAttributes(r, f)
		if tag == TagMember && r.IntN(3) == 0 { // what PlainMember is for, in any order
			attrs = slices.DeleteFunc(attrs, func(a attribute) bool { return a.at != atDeclFile && a.at != 0x39 })
			attrs = append(attrs, attribute{atName, uint64(FormStrp), 0, []byte{1, 2, 3, 4, 5, 6, 7, 8}[:f.offsetSize()], 0},
				attribute{atType, uint64(FormRef4), 0, []byte{9, 8, 7, 6}, 0}, attribute{atMemberLoc, uint64([]Form{FormData1, FormData1, FormData1, FormRef1}[r.IntN(4)]), 0, []byte{200}, 200})
			if r.IntN(8) == 0 {
				attrs = append(attrs, attribute{atBitSize, uint64(FormImplicitConst), 3, nil, 3})
			}
			for i, b := range attrs {
				attrs[i].value = b.value
				if b.at == atName || b.at == atType {
					attrs[i].value = 0
					for j := range b.data {
						k := j
						if !f.BigEndian {
							k = len(b.data) - 1 - j
						}
						attrs[i].value = attrs[i].value<<8 | uint64(b.data[k])
					}
				}
			}
			r.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
		}
		ab := append(append(ulebOf(7), ulebOf(uint64(tag))...), 0)
		if children {
			ab[len(ab)-1] = 1
		}
		die := []byte{7}
		for _, a := range attrs {
			ab = append(append(ab, ulebOf(a.at)...), ulebOf(a.form)...)
			if a.form == uint64(FormImplicitConst) {
				ab = append(ab, a.implicit)
			}
			die = append(die, a.data...)
		}
		var tab Abbrevs
		if err := tab.Compile(append(ab, 0, 0, 0), 0, f); err != nil {
			t.Fatal(err)
		}
		if tab.ops[0].code >= opFixed {
			fixed++
		}
		behind := r.IntN(12)
		buf := append(slices.Clone(die), make([]byte, behind)...)
		rd, d := Reader{Tab: &tab.Table, Buf: buf}, DIE{}
		if !rd.Next(&d) || rd.Pos != len(die) || d.Tag != tag || d.Children != children {
			t.Fatalf("%+v %v, %d bytes behind: %+v at %d, %v", attrs, tag, behind, d, rd.Pos, rd.Err)
		}
		for _, a := range attrs {
			if s := slotOfAttr(a.at); s != noSlot && wanted(tag)>>s&1 != 0 && (!d.Has(s) || d.Val[s] != a.value || uint64(d.Form[s]) != a.form) {
				t.Fatalf("%+v of %+v in %v: %v %#x %v", a, attrs, tag, d.Has(s), d.Val[s], d.Form[s])
			}
		}
		n := 0
		d.Each(func(Slot) { n++ })
		for _, a := range attrs {
			if s := slotOfAttr(a.at); s != noSlot && wanted(tag)>>s&1 != 0 {
				n--
			}
		}
		if n != 0 {
			t.Fatalf("%+v in %v: %d values more than there are", attrs, tag, n)
		}

		pr, m := Reader{Tab: &tab.Table, Buf: buf}, Member{}
		if pr.PlainMember(&m) {
			plain++
			want := Member{d.Val[Name], d.Val[Type], d.Val[MemberLoc]}
			const all = 1<<Name | 1<<Type | 1<<MemberLoc
			if tag != TagMember || children || d.has != all || m != want || pr.Pos != rd.Pos || !d.Form[MemberLoc].IsData() || d.Form[Name] != FormStrp || d.Form[Type] != FormRef4 {
				t.Fatalf("%+v %v: PlainMember %+v up to %d, Next %+v", attrs, tag, m, pr.Pos, d)
			}
		} else if pr.Pos != 0 || pr.Err != nil {
			t.Fatalf("PlainMember says no, and moved to %d, %v", pr.Pos, pr.Err)
		}

		// One byte less than it needs.
		for _, cut := range []int{len(die) - 1, 1} {
			if cut >= len(die) || cut < 1 {
				continue
			}
			short := Reader{Tab: &tab.Table, Buf: buf[:cut:cut]}
			if short.PlainMember(&m) || short.Next(&d) || short.Err == nil {
				t.Fatalf("%+v %v: %d of %d bytes are enough: %v", attrs, tag, cut, len(die), short.Err)
			}
		}
	}
	if plain < 150 || fixed < 5000 {
		t.Errorf("of 20000 abbreviations %d were of fixed size and %d were plain members: that shows little", fixed, plain)
	}
}
