package btf

// A record can be taken apart into its content and its references, and be put together again. The content is all that types with
// equal references have in common if they are equal:
//
//	[0] the info word
//	[1] the name
//	[2] the third word, or 0 where that is a reference
//	then the words of extra, and of the elements, that are no references
//
// So the content of a STRUCT has two words a member, its name and its offset; that of a FUNC_PROTO one word a parameter, its name.
// References stand in the order of their places in the record: third word, extra, elements. Names may have any number that the caller
// gives them: an offset in a string section, or the number of an interned string.

// AppendContent appends the content of a record. name gives what becomes of each name.
func AppendContent(dst, rec []uint32, name func(uint32) uint32) []uint32 {
	l := &layouts[InfoKind(rec[1])]
	third := rec[2]
	if len(l.refs) > 0 && l.refs[0] == 2 {
		third = 0
	}
	dst = append(dst, rec[1], name(rec[0]), third)
	for i := 3; i < 3+l.extra; i++ {
		if !l.isRef(i) {
			dst = append(dst, rec[i])
		}
	}
	if l.elem == 0 {
		return dst
	}
	for e := rec[3+l.extra:]; len(e) >= l.elem; e = e[l.elem:] {
		for i, w := range e[:l.elem] {
			switch {
			case i == l.elemRef:
			case i == 0 && l.elemName:
				dst = append(dst, name(w))
			default:
				dst = append(dst, w)
			}
		}
	}
	return dst
}

// isRef tells whether the word at a place before the elements is a reference.
func (l *layout) isRef(place int) bool {
	for _, p := range l.refs {
		if p == place {
			return true
		}
	}
	return false
}

// AppendRefs appends the references of a record.
func AppendRefs(dst, rec []uint32) []uint32 {
	l := &layouts[InfoKind(rec[1])]
	for _, p := range l.refs {
		dst = append(dst, rec[p])
	}
	if l.elemRef >= 0 {
		for i := 3 + l.extra + l.elemRef; i < len(rec); i += l.elem {
			dst = append(dst, rec[i])
		}
	}
	return dst
}

// AppendRecord puts a record together again. name gives what becomes of each name of the content; without references all are void.
func AppendRecord(dst, content, refs []uint32, name func(uint32) uint32) []uint32 {
	info := content[0]
	l := &layouts[InfoKind(info)]
	next := func() uint32 {
		if len(refs) == 0 {
			return 0
		}
		r := refs[0]
		refs = refs[1:]
		return r
	}
	third := content[2]
	if len(l.refs) > 0 && l.refs[0] == 2 {
		third = next()
	}
	dst = append(dst, name(content[1]), info, third)
	c := content[3:]
	for i := 3; i < 3+l.extra; i++ {
		if l.isRef(i) {
			dst = append(dst, next())
		} else {
			dst, c = append(dst, c[0]), c[1:]
		}
	}
	for range InfoVlen(info) {
		if l.elem == 0 {
			break // the vlen of a FUNC is its linkage
		}
		for i := range l.elem {
			switch {
			case i == l.elemRef:
				dst = append(dst, next())
			case i == 0 && l.elemName:
				dst, c = append(dst, name(c[0])), c[1:]
			default:
				dst, c = append(dst, c[0]), c[1:]
			}
		}
	}
	return dst
}
