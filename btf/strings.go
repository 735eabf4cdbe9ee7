package btf

import (
	"bytes"
	"math/bits"

	"github.com/gobtf/gobtf/internal/intern"
	"github.com/gobtf/gobtf/internal/mem"
)

// Offset returns the lowest offset at which t, or its base, has the whole string b.
// The strings are indexed when it is called first.
func (t *Types) Offset(b []byte) (uint32, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if t.base != nil {
		if o, ok := t.base.Offset(b); ok {
			return o, true
		}
	}
	t.offsOnce.Do(func() { t.offs = indexStrings(t.strs) })
	o, ok := t.offs.find(t.strs, b)
	return t.strAt + o, ok
}

// offsetIndex finds strings in a section: an open-addressing table of offsets plus
// one. The hash's upper bits stand beside each, so that few strings are compared.
type offsetIndex struct {
	seed uint64 // of the hashes, which no input shall know
	mask uint32
	slot []uint64
}

func indexStrings(strs []byte) *offsetIndex {
	// Many equal strings need no room: there are at most 255 of one byte, 65025 of
	// two, and all others take four bytes and more.
	n := min(bytes.Count(strs, []byte{0}), 1<<16+len(strs)/4)
	x := &offsetIndex{seed: intern.Seed(), slot: make([]uint64, 1<<bits.Len(uint(2*n)))}
	mem.Populate(x.slot)
	x.mask = uint32(len(x.slot) - 1)
	for off := 0; off < len(strs); {
		s := strs[off:]
		s = s[:bytes.IndexByte(s, 0)]
		h := intern.HashSeeded(x.seed, s)
		if i := x.slotOf(strs, s, h); x.slot[i] == 0 {
			x.slot[i] = h&^0xffffffff | uint64(off+1)
		}
		off += len(s) + 1
	}
	return x
}

// slotOf returns the slot that holds b, or the free one where it belongs.
func (x *offsetIndex) slotOf(strs, b []byte, h uint64) uint32 {
	i := uint32(h) & x.mask
	for ; x.slot[i] != 0; i = (i + 1) & x.mask {
		if (x.slot[i]^h)>>32 != 0 {
			continue
		}
		off := int(uint32(x.slot[i]) - 1)
		if end := off + len(b); end < len(strs) && strs[end] == 0 && string(strs[off:end]) == string(b) {
			break
		}
	}
	return i
}

func (x *offsetIndex) find(strs, b []byte) (uint32, bool) {
	v := x.slot[x.slotOf(strs, b, intern.HashSeeded(x.seed, b))]
	return uint32(v) - 1, v != 0
}
