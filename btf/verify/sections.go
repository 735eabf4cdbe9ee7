package verify

import (
	"encoding/binary"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

const (
	shortHeader = 24
	longHeader  = 32
	layoutEntry = 4
	maxFile     = 16 << 20 // of BPF_BTF_LOAD
)

// sections checks header, sections and strings, and takes them apart. It tells whether types can be looked at.
func (c *checker) sections(data []byte) bool {
	if c.opt.Full && len(data) > maxFile {
		c.add(Finding{Level: 2, Rule: "BPF_BTF_LOAD takes at most 16 MiB", Message: "E2BIG"})
	}
	if len(data) < 8 {
		c.say("hdr_len not found", "%d bytes are less than a header", len(data))
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 0xeb {
		order = binary.BigEndian
	}
	hdrLen := order.Uint32(data[4:])
	if uint64(len(data)) < uint64(hdrLen) {
		c.say("btf_header not found", "the header says that it has %d bytes, the file has %d", hdrLen, len(data))
		return false
	}
	known := shortHeader
	if c.rules.layout {
		known = longHeader
	}
	if int(hdrLen) > known {
		for _, b := range data[known:hdrLen] {
			if b != 0 {
				f := Finding{Rule: "the header has fields that this kernel does not know", Message: "Unsupported btf_header"}
				if known == shortHeader {
					f.Since = "up to 7.0: no layout section"
				}
				c.add(f)
				return false
			}
		}
	}
	// What a short header does not have is zero.
	var hdr [longHeader]byte
	copy(hdr[:known], data[:hdrLen])
	u32 := func(at int) uint32 { return order.Uint32(hdr[at:]) }
	switch {
	case order.Uint16(hdr[:]) != btf.Magic:
		c.say("Invalid magic", "it begins with %#x", hdr[:2])
	case hdr[2] != btf.Version:
		c.say("Unsupported version", "version %d", hdr[2])
	case hdr[3] != 0:
		c.say("Unsupported flags", "flags %#x", hdr[3])
	case c.base == nil && len(data) == int(hdrLen):
		c.say("No data", "there is nothing behind the header")
	default:
		body := data[hdrLen:]
		types := span{"type", u32(8), u32(12)}
		strs := span{"string", u32(16), u32(20)}
		layout := span{"layout", u32(24), u32(28)}
		long := int(hdrLen) >= longHeader && c.rules.layout
		list := []span{types, strs}
		if long && layout.len != 0 {
			list = append(list, layout)
		}
		return c.tiles(uint32(len(body)), list) && c.strings(body, strs, long) && (!long || c.layout(layout)) && c.types(body, types, order)
	}
	return false
}

type span struct {
	name     string
	off, len uint32
}

// tiles wants sections to cover what follows the header, without gap or overlap.
func (c *checker) tiles(size uint32, list []span) bool {
	slices.SortStableFunc(list, func(a, b span) int {
		// As differences of 32 bits, which is how a kernel compares them.
		if d := int32(a.off - b.off); d != 0 {
			return int(d)
		}
		return int(int32(a.len - b.len))
	})
	at := uint32(0)
	for _, s := range list {
		switch {
		case size < s.off:
			c.say("Invalid section offset", "the %s section begins at %#x, behind the end at %#x", s.name, s.off, size)
		case at < s.off:
			c.say("Unsupported section found", "nothing says what the %d bytes before the %s section are", s.off-at, s.name)
		case at > s.off:
			c.say("Section overlap found", "the %s section begins at %#x, before the one ahead of it ends at %#x", s.name, s.off, at)
		case size-at < s.len:
			c.say("Total section length too long", "the %s section has %d bytes, %d are left", s.name, s.len, size-at)
		default:
			at += s.len
			continue
		}
		return false
	}
	if at != size {
		c.say("Unsupported section found", "nothing says what the last %d bytes are", size-at)
		return false
	}
	return true
}

func (c *checker) strings(body []byte, s span, long bool) bool {
	b := body[s.off:][:s.len]
	switch {
	case !long && int(s.off+s.len) != len(body):
		c.say("String section is not at the end", "the string section is not the last")
	case len(b) == 0 && c.base != nil:
		return true
	case len(b) == 0:
		c.say("Invalid string section", "the string section is empty")
	case len(b)-1 > btf.KernelMaxNameOff:
		c.say("Invalid string section", "%d bytes of strings are more than 16 MiB", len(b))
	case b[len(b)-1] != 0:
		c.say("Invalid string section", "the last string does not end")
	case c.base == nil && b[0] != 0:
		c.say("Invalid string section", "the first string is not empty (split BTF without its base?)")
	default:
		c.strs = b
		c.good = make([]uint64, (len(b)+63)/64)
		return true
	}
	return false
}

// layout is looked at by BPF_BTF_LOAD only.
func (c *checker) layout(s span) bool {
	switch {
	case !c.opt.Full || s.len == 0:
		return true
	case s.off%4 != 0:
		c.say("Unaligned layout_off", "the layout section begins at %#x", s.off)
	case s.len < layoutEntry:
		c.say("Layout section is too small", "the layout section has %d bytes", s.len)
	case s.len%layoutEntry != 0:
		c.say("layout_len is not multiple of 4", "the layout section has %d bytes", s.len)
	default:
		return true
	}
	return false
}

func (c *checker) types(body []byte, s span, order binary.ByteOrder) bool {
	switch {
	case c.opt.Full && s.off%4 != 0:
		c.say("Unaligned type_off", "the type section begins at %#x", s.off)
		return false
	case c.opt.Full && c.base == nil && s.len == 0:
		c.add(Finding{Level: 2, Rule: "there are no types", Message: "No type found"})
		return false
	}
	b := body[s.off:][:s.len]
	c.words = make([]uint32, (len(b)+3)/4)
	n := len(b) / 4
	for i := range n {
		c.words[i] = order.Uint32(b[4*i:])
	}
	c.words, c.rest = c.words[:n], len(b)%4
	return true
}
