package btf

// The codec takes records apart into what they are and what they refer to, and puts them together again. It goes by the table
// of kinds; no other code does the same for a kind of its own.
//
// A content is a record without its references, in the words
//
//	[0]  info
//	[1]  name
//	[2]  third word of the record, 0 where that is a reference
//	then the rest of the record in its order, without references
//
// so that of a STRUCT there remain a name and an offset for each member, and of an ARRAY the number of elements. Names are
// whatever the caller makes of them: offsets, or numbers of a table of his own. Two types with equal contents differ in
// references only, which is what a search for equal types compares first.

// EachRef calls f with every word of a record that is a type id, in the order in which they stand: of a FUNC_PROTO what it
// returns and then each parameter's, of an ARRAY the element's and then the index's.
func EachRef(rec []uint32, f func(w *uint32)) {
	ki := &kinds[InfoKind(rec[1])]
	if ki.thirdMask != 0 {
		f(&rec[2])
	}
	for _, i := range ki.extraRefs {
		f(&rec[i])
	}
	if ki.refMask != 0 {
		for i := ki.head + ki.refAt; i < len(rec); i += ki.step {
			f(&rec[i])
		}
	}
}

// EachName calls f with every word of a record that is a name's offset: its own, then those of its elements.
func EachName(rec []uint32, f func(w *uint32)) {
	f(&rec[0])
	if ki := &kinds[InfoKind(rec[1])]; ki.nameMask != 0 {
		for i := ki.head + ki.nameAt; i < len(rec); i += ki.step {
			f(&rec[i])
		}
	}
}

// NumRefs returns how many references a record with this info word has.
func NumRefs(info uint32) int {
	ki := &kinds[InfoKind(info)]
	if ki.refMask == 0 {
		return ki.fixedRefs
	}
	return ki.fixedRefs + InfoVlen(info)
}

// AppendRefs appends the references of a record, in EachRef's order.
func AppendRefs(dst, rec []uint32) []uint32 {
	ki := &kinds[InfoKind(rec[1])]
	if ki.thirdMask != 0 {
		dst = append(dst, rec[2])
	}
	for _, i := range ki.extraRefs {
		dst = append(dst, rec[i])
	}
	if ki.refMask != 0 {
		for i := ki.head + ki.refAt; i < len(rec); i += ki.step {
			dst = append(dst, rec[i])
		}
	}
	return dst
}

// AppendContent appends the content of a record. name says what becomes of a name's offset.
func AppendContent(dst, rec []uint32, name func(off uint32) uint32) []uint32 {
	ki := &kinds[InfoKind(rec[1])]
	vlen := 0
	if ki.step != 0 {
		vlen = InfoVlen(rec[1])
	}
	from := len(dst)
	dst = grow(dst, ki.bareHead+vlen*ki.bareStep)
	c := dst[from:]
	c[0], c[1], c[2] = rec[1], name(rec[0]), rec[2]&^ki.thirdMask
	for _, w := range ki.extraData {
		c[w.content] = rec[w.record]
	}
	if vlen == 0 {
		return dst
	}
	if ki.nameMask != 0 {
		for i, j := ki.head+ki.nameAt, ki.bareHead+ki.bareName; i < len(rec); i, j = i+ki.step, j+ki.bareStep {
			c[j] = name(rec[i])
		}
	}
	for _, w := range ki.elemData {
		for i, j := ki.head+w.record, ki.bareHead+w.content; i < len(rec); i, j = i+ki.step, j+ki.bareStep {
			c[j] = rec[i]
		}
	}
	return dst
}

// AppendRecord appends the record that has this content and these references: the reverse of AppendContent and AppendRefs.
// offsets[n] is the offset of name n; with nil the names in the content are offsets already.
func AppendRecord(dst, content, refs, offsets []uint32) []uint32 {
	ki := &kinds[InfoKind(content[0])]
	vlen := 0
	if ki.step != 0 {
		vlen = InfoVlen(content[0])
	}
	from := len(dst)
	dst = grow(dst, ki.head+vlen*ki.step)
	rec := dst[from:]
	rec[0], rec[1], rec[2] = content[1], content[0], content[2]
	if offsets != nil {
		rec[0] = offsets[content[1]]
	}
	if ki.thirdMask != 0 {
		rec[2] = refs[0]
	}
	for i, at := range ki.extraRefs {
		rec[at] = refs[ki.fixedRefs-len(ki.extraRefs)+i]
	}
	for _, w := range ki.extraData {
		rec[w.record] = content[w.content]
	}
	if vlen == 0 {
		return dst
	}
	if ki.nameMask != 0 {
		for i, j := ki.head+ki.nameAt, ki.bareHead+ki.bareName; i < len(rec); i, j = i+ki.step, j+ki.bareStep {
			rec[i] = content[j]
			if offsets != nil {
				rec[i] = offsets[content[j]]
			}
		}
	}
	if ki.refMask != 0 {
		for i, j := ki.head+ki.refAt, ki.fixedRefs; i < len(rec); i, j = i+ki.step, j+1 {
			rec[i] = refs[j]
		}
	}
	for _, w := range ki.elemData {
		for i, j := ki.head+w.record, ki.bareHead+w.content; i < len(rec); i, j = i+ki.step, j+ki.bareStep {
			rec[i] = content[j]
		}
	}
	return dst
}

// EachContentName calls f with every word of a content that is a name: the type's own, then those of its elements.
func EachContentName(content []uint32, f func(w *uint32)) {
	f(&content[1])
	if ki := &kinds[InfoKind(content[0])]; ki.nameMask != 0 {
		for i := ki.bareHead + ki.bareName; i < len(content); i += ki.bareStep {
			f(&content[i])
		}
	}
}
