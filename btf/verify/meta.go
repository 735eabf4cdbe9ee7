package verify

import (
	"bytes"
	"fmt"

	"github.com/gobtf/gobtf/btf"
)

// What kernels say in more than one place.
const (
	msgVlen   = "vlen != 0"
	msgKflag  = "Invalid btf_info kind_flag"
	msgName   = "Invalid name"
	msgTypeID = "Invalid type_id"
)

// metas checks each record by itself. It tells whether it came to the end of them.
func (c *checker) metas() bool {
	c.at = make([]uint32, 0, len(c.words)/6+2)
	p := 0
	for p < len(c.words) {
		id := c.start + uint32(len(c.at))
		w := c.words[p:]
		if len(w) < 3 {
			c.say(fmt.Sprintf("meta_left:%d meta_needed:12", 4*len(w)+c.rest), "type %d: its record is cut off", id)
			return false
		}
		info := w[1]
		kind, vlen := btf.Kind(info>>24&c.rules.kindMask), info&c.rules.vlenMask
		switch {
		case info&^c.rules.infoMask != 0:
			c.say("Invalid btf_info", "type %d: the info word %#x has bits that mean nothing", id, info)
			return false
		case kind == btf.Void || kind > c.rules.maxKind:
			c.kind(id, kind, info)
			if kind == btf.Void || kind >= btf.NumKinds {
				return false
			}
		}
		if !c.nameFits(w[0]) {
			c.say("Invalid name_offset", "type %d: its name is at %#x, outside of the strings", id, w[0])
		}
		size := kind.Words(int(vlen))
		if size > len(w) {
			c.typ(id, w, "meta_left", "the record of %d bytes is cut off", 4*size)
			return false
		}
		rec := w[:size:size]
		c.at = append(c.at, uint32(p))
		if c.nameFits(w[0]) {
			c.meta(id, kind, int(vlen), info>>31 != 0, rec)
		}
		p += size
	}
	if c.rest != 0 {
		c.say(fmt.Sprintf("meta_left:%d meta_needed:12", c.rest), "the type section is no whole number of words")
	}
	c.at = append(c.at, uint32(p))
	if n := c.start + uint32(len(c.at)); n > btf.KernelMaxID+1 {
		c.say("Exceeded max num of types", "%d types are more than %d", n, btf.KernelMaxID)
	}
	return true
}

func (c *checker) kind(id uint32, kind btf.Kind, info uint32) {
	f := Finding{ID: btf.TypeID(id), Kind: btf.InfoKind(info), Message: fmt.Sprintf("Invalid kind:%d", kind), Since: kindSince(kind)}
	f.Rule = fmt.Sprintf("kind %d is none", kind)
	if f.Since != "" {
		f.Rule = fmt.Sprintf("Linux %v does not know this kind", c.opt.Kernel)
	}
	c.add(f)
}

// meta checks one record; its name fits.
func (c *checker) meta(id uint32, kind btf.Kind, vlen int, kflag bool, rec []uint32) {
	noVlen := func() bool {
		if vlen != 0 {
			c.typ(id, rec, msgVlen, "has %d elements, and none are meant", vlen)
		}
		return vlen == 0
	}
	noKflag := func() bool {
		if kflag {
			c.typ(id, rec, msgKflag, "kind_flag is set")
		}
		return !kflag
	}
	noName := func() bool {
		if rec[0] != 0 {
			c.typ(id, rec, msgName, "has a name, and none is meant")
		}
		return rec[0] == 0
	}
	ident := func(must bool) bool {
		ok := rec[0] == 0 && !must || rec[0] != 0 && c.identifier(rec[0], kind == btf.Var)
		if !ok {
			c.badName(id, rec, "", rec[0])
		}
		return ok
	}
	switch kind {
	case btf.Int:
		if noVlen() && noKflag() {
			c.int(id, rec)
		}
	case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict:
		_ = noVlen() && noKflag() && c.idFits(id, rec, rec[2]) && noName()
	case btf.Typedef:
		_ = noVlen() && noKflag() && c.idFits(id, rec, rec[2]) && ident(true)
	case btf.TypeTag:
		if noVlen() && c.tagFlag(id, rec, kflag) && c.idFits(id, rec, rec[2]) && len(c.str(rec[0])) == 0 {
			c.typ(id, rec, msgName, "the tag is empty")
		}
	case btf.DeclTag:
		switch {
		case len(c.str(rec[0])) == 0:
			c.typ(id, rec, "Invalid value", "the tag is empty")
		case noVlen() && c.tagFlag(id, rec, kflag) && int32(rec[3]) < -1:
			c.typ(id, rec, "Invalid component_idx", "component %d", int32(rec[3]))
		}
	case btf.Array:
		if !noName() || !noVlen() || !noKflag() {
			break
		}
		switch {
		case rec[2] != 0:
			c.typ(id, rec, "size != 0", "an array has no size of its own, and this has %d", rec[2])
		case rec[3] == 0 || rec[3] > btf.KernelMaxID:
			c.typ(id, rec, "Invalid elem", "its elements are of type %d", rec[3])
		case rec[4] == 0 || rec[4] > btf.KernelMaxID:
			c.typ(id, rec, "Invalid index", "its index is of type %d", rec[4])
		}
	case btf.Struct, btf.Union:
		if ident(false) {
			c.members(id, kind, kflag, rec)
		}
	case btf.Enum, btf.Enum64:
		c.values(id, kind, kflag, rec)
	case btf.Fwd:
		if noVlen() {
			if rec[2] != 0 {
				c.typ(id, rec, "type != 0", "refers to type %d", rec[2])
			} else {
				ident(true)
			}
		}
	case btf.Func:
		if ident(true) {
			if vlen > btf.Global {
				c.typ(id, rec, "Invalid func linkage", "linkage %d: only static and global functions are taken", vlen)
			} else {
				noKflag()
			}
		}
	case btf.FuncProto:
		_ = noName() && noKflag()
	case btf.Var:
		if !noVlen() || !noKflag() || !ident(true) {
			break
		}
		switch {
		case rec[2] == 0 || rec[2] > btf.KernelMaxID:
			c.typ(id, rec, msgTypeID, "is of type %d", rec[2])
		case rec[3] > btf.Global:
			c.typ(id, rec, "Linkage not supported", "linkage %d: only static and global variables are taken", rec[3])
		}
	case btf.Datasec:
		c.datasec(id, kflag, rec)
	case btf.Float:
		if noVlen() && noKflag() {
			switch rec[2] {
			case 2, 4, 8, 12, 16:
			default:
				c.typ(id, rec, "Invalid type_size", "a FLOAT of %d bytes", rec[2])
			}
		}
	case btf.Void: // there is no record of it
	}
}

func (c *checker) int(id uint32, rec []uint32) {
	w := rec[3]
	bits := w&0xff + w>>16&0xff
	switch {
	case w&^0x0fffffff != 0:
		c.typ(id, rec, fmt.Sprintf("Invalid int_data:%x", w), "its word %#x has bits that mean nothing", w)
	case bits > 128:
		c.typ(id, rec, "nr_bits exceeds 128", "an INT of %d bits", bits)
	case (bits+7)/8 > rec[2]:
		c.typ(id, rec, "nr_bits exceeds type_size", "%d bits do not fit into %d bytes", bits, rec[2])
	default:
		switch w >> 24 & 15 {
		case 0, btf.Signed, btf.Char, btf.Bool:
		default:
			c.typ(id, rec, "Unsupported encoding", "encoding %d", w>>24&15)
		}
	}
}

// idFits is about the size of the number: whether there is such a type is another question.
func (c *checker) idFits(id uint32, rec []uint32, to uint32) bool {
	if to > btf.KernelMaxID {
		c.typ(id, rec, msgTypeID, "refers to type %d, and there can be no more than %d", to, btf.KernelMaxID)
		return false
	}
	return true
}

func (c *checker) tagFlag(id uint32, rec []uint32, kflag bool) bool {
	if kflag && !c.rules.tagKflag {
		c.add(Finding{
			ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Rule: "kind_flag of a tag (an attribute) is set",
			Message: msgKflag, Since: "taken since 6.15",
		})
		return false
	}
	return true
}

func bitOffset(kflag bool, w uint32) uint32 {
	if kflag {
		return w & 0xffffff
	}
	return w
}

func bytesUp(bits uint32) uint32 {
	n := bits >> 3
	if bits&7 != 0 {
		n++
	}
	return n
}

func (c *checker) members(id uint32, kind btf.Kind, kflag bool, rec []uint32) {
	last := uint32(0)
	for m := rec[3:]; len(m) >= 3; m = m[3:] {
		off := bitOffset(kflag, m[2])
		bad := func(message, rule string, args ...any) { c.part(id, rec, "member", m[0], message, rule, args...) }
		switch {
		case !c.nameFits(m[0]):
			bad(fmt.Sprintf("Invalid member name_offset:%d", m[0]), "its name is at %#x, outside of the strings", m[0])
		case m[0] != 0 && !c.identifier(m[0], false):
			c.badName(id, rec, "member", m[0])
		case m[1] == 0 || m[1] > btf.KernelMaxID:
			bad(msgTypeID, "is of type %d", m[1])
		case kind == btf.Union && off != 0:
			bad("Invalid member bits_offset", "begins at bit %d of a union", off)
		case off < last:
			bad("Invalid member bits_offset", "begins at bit %d, before the member ahead of it at %d", off, last)
		case bytesUp(off) > rec[2]:
			bad("Member bits_offset exceeds its struct size", "begins at bit %d, behind the %d bytes of all", off, rec[2])
		default:
			last = off
			continue
		}
		return // as a kernel does; the rest would only repeat it
	}
}

func (c *checker) values(id uint32, kind btf.Kind, kflag bool, rec []uint32) {
	step := 2
	if kind == btf.Enum64 {
		step = 3
	}
	switch size := rec[2]; {
	case kind == btf.Enum && kflag && !c.rules.enumSign:
		c.add(Finding{ID: btf.TypeID(id), Kind: kind, Name: c.text(rec[0]), Rule: "kind_flag (signed values) is set", Message: msgKflag, Since: "taken since 6.0"})
		return
	case size > 8 || size == 0 || size&(size-1) != 0:
		c.typ(id, rec, "Unexpected size", "%d bytes", size)
		return
	case rec[0] != 0 && !c.identifier(rec[0], false):
		c.badName(id, rec, "", rec[0])
		return
	}
	for v := rec[3:]; len(v) >= step; v = v[step:] {
		switch {
		case !c.nameFits(v[0]):
			c.part(id, rec, "value", 0, fmt.Sprintf("Invalid name_offset:%d", v[0]), "its name is at %#x, outside of the strings", v[0])
			return
		case v[0] == 0 || !c.identifier(v[0], false):
			c.badName(id, rec, "value", v[0])
			return
		}
	}
}

func (c *checker) datasec(id uint32, kflag bool, rec []uint32) {
	size := rec[2]
	switch {
	case size == 0:
		c.typ(id, rec, "size == 0", "the section has no bytes")
		return
	case kflag:
		c.typ(id, rec, msgKflag, "kind_flag is set")
		return
	case rec[0] == 0 || !c.section(rec[0]):
		c.badName(id, rec, "", rec[0])
		return
	}
	end, sum := uint64(0), uint64(0)
	for e := rec[3:]; len(e) >= 3; e = e[3:] {
		off, n := e[1], e[2]
		bad := func(message, rule string, args ...any) {
			name := uint32(0)
			if v := c.lookup(e[0]); v != nil {
				name = v[0]
			}
			c.part(id, rec, "entry", name, message, rule, args...)
		}
		switch {
		case e[0] == 0 || e[0] > btf.KernelMaxID:
			bad(msgTypeID, "is type %d", e[0])
		case uint64(off) < end:
			bad("Invalid offset", "begins at %#x, before the entry ahead of it ends at %#x", off, end)
		case off >= size:
			bad("Invalid offset", "begins at %#x, behind the section's %#x bytes", off, size)
		case n == 0 || n > size:
			bad("Invalid size", "has %d bytes of the section's %d", n, size)
		case off+n > size:
			bad("Invalid offset+size", "ends at %#x, behind the section's %#x bytes", off+n, size)
		default:
			end = uint64(off + n)
			sum += uint64(n)
			continue
		}
		return
	}
	if uint64(size) < sum {
		c.typ(id, rec, "Invalid btf_info size", "the entries have %d bytes, the section has %d", sum, size)
	}
}

// lookup is record while the records are still being found.
func (c *checker) lookup(id uint32) []uint32 {
	if id < c.start {
		return c.record(id)
	}
	if i := id - c.start; int64(i) < int64(len(c.at)) {
		w := c.words[c.at[i]:]
		return w[:3]
	}
	return nil
}

// badName says what is wrong with a name, and whether other kernels take it.
func (c *checker) badName(id uint32, rec []uint32, what string, off uint32) {
	f := Finding{ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Message: msgName}
	if what != "" {
		f.Member = what
	}
	s := c.str(off)
	switch {
	case len(s) == 0:
		f.Rule = "has no name"
	case len(s) > c.rules.nameLen:
		f.Rule = fmt.Sprintf("a name of %d bytes is longer than %d", len(s), c.rules.nameLen)
		if len(s) <= 512 {
			f.Since = "taken since 6.1"
		}
	case f.Kind == btf.Datasec:
		f.Rule = "the name has characters that cannot be printed"
		if !c.rules.anySection {
			f.Rule, f.Since = "the name is more than letters, digits, _ and .", "taken since 6.11"
		}
	default:
		f.Rule = fmt.Sprintf("%q is no identifier", s[:min(len(s), 128)])
		if !c.rules.dots && bytes.IndexByte(s, '.') >= 0 {
			f.Since = "dots are taken since 6.6"
		}
	}
	c.add(f)
}

// identifier tells whether a string is one: letters, digits, _ and ., no digit in front. A letter is what Linux's ctype takes for
// one, which is Latin-1's.
func (c *checker) identifier(off uint32, variable bool) bool {
	dots := c.rules.dots || variable
	if off < c.strStart {
		return c.isIdentifier(c.base.StringBytes(off), dots)
	}
	at := off - c.strStart
	if word, bit := &c.good[at>>6], uint64(1)<<(at&63); dots == c.rules.dots {
		if *word&bit != 0 {
			return true
		}
		if c.isIdentifier(c.str(off), dots) {
			*word |= bit
			return true
		}
		return false
	}
	return c.isIdentifier(c.str(off), dots)
}

const (
	classFirst = 1 << iota // may begin an identifier
	classNext              // may follow
	classDot
	classPrint
)

// class is Linux's lib/ctype.c, as far as it matters here.
var class = func() (t [256]uint8) {
	for b := range t {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b >= 0xc0 && b != 0xd7 && b != 0xf7:
			t[b] = classFirst | classNext
		case b >= '0' && b <= '9':
			t[b] = classNext
		case b == '.':
			t[b] = classDot
		}
		if b >= ' ' && b < 0x7f || b >= 0xa0 {
			t[b] |= classPrint
		}
	}
	return t
}()

func (c *checker) isIdentifier(s []byte, dots bool) bool {
	if len(s) == 0 || len(s) > c.rules.nameLen {
		return false
	}
	first, next := uint8(classFirst), uint8(classNext)
	if dots {
		first, next = first|classDot, next|classDot
	}
	if class[s[0]]&first == 0 {
		return false
	}
	for _, b := range s[1:] {
		if class[b]&next == 0 {
			return false
		}
	}
	return true
}

func (c *checker) section(off uint32) bool {
	s := c.str(off)
	if !c.rules.anySection {
		return c.isIdentifier(s, true)
	}
	for _, b := range s {
		if class[b]&classPrint == 0 {
			return false
		}
	}
	return len(s) > 0 && len(s) <= c.rules.nameLen
}

// isModifier tells kinds that have no size but that of what they refer to.
func isModifier(k btf.Kind) bool {
	switch k {
	case btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
		return true
	case btf.Void, btf.Int, btf.Ptr, btf.Array, btf.Struct, btf.Union, btf.Enum, btf.Fwd, btf.Func, btf.FuncProto, btf.Var,
		btf.Datasec, btf.Float, btf.DeclTag, btf.Enum64:
	}
	return false
}

const maxChain = 32

// chains follows modifiers: their number is bounded, and up to 7.0 no tag may come behind another modifier.
func (c *checker) chains() {
	if !c.rules.chainLimit && !c.rules.tagOrder {
		return
	}
	good := c.start - 1
	n := c.start + uint32(len(c.at)) - 1
	for id := c.start; id < n; id++ {
		rec := c.record(id)
		if !isModifier(btf.InfoKind(rec[1])) {
			continue
		}
		c.chain(id, rec, good)
		good = id
	}
}

func (c *checker) chain(id uint32, rec []uint32, good uint32) {
	inTags := btf.InfoKind(rec[1]) == btf.TypeTag
	limit := maxChain
	for at, r := id, rec; isModifier(btf.InfoKind(r[1])); {
		if limit == 0 {
			if c.rules.chainLimit {
				c.typ(id, rec, "Max chain length or cycle detected", "more than %d modifiers in a row", maxChain)
			}
			return
		}
		limit--
		if c.rules.tagOrder {
			if tag := btf.InfoKind(r[1]) == btf.TypeTag; tag && !inTags {
				c.add(Finding{
					ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Rule: fmt.Sprintf("the type tag %q (type %d) comes behind another modifier", c.text(r[0]), at),
					Message: "Type tags don't precede modifiers", Since: "5.18 to 7.0",
				})
				return
			} else if !tag {
				inTags = false
			}
		}
		if at <= good {
			return
		}
		at = r[2]
		if r = c.record(at); r == nil {
			c.typ(id, rec, "", "refers to type %d, which is not there", at)
			return
		}
	}
}
