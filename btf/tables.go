package btf

import (
	"errors"
	"math/bits"
)

// Tables are what reading a BTF that stands alone finds out about it, and what is found out when it is first asked for: arrays that can be kept
// outside of the process, and taken again for the same bytes.
type Tables struct {
	Index   []uint32 // where each type starts in the words, from type 1 on, and where the last one ends
	Strings []uint64 // where each string is: the table of Offset
	Seed    uint64   // of the hashes in it
	Flat    bool     // OnlyFlatArrays
}

// Tables returns those of a base that is no split BTF, nil for others.
func (b *Base) Tables() *Tables {
	t := b.Types
	if t.base != nil || foreign(t.order) {
		return nil
	}
	t.offsOnce.Do(func() { t.offs = indexStrings(t.strs) })
	return &Tables{t.index, t.offs.slot, t.offs.seed, b.OnlyFlatArrays()}
}

// ParseTables returns the base that NewBase makes of what Parse reads, by tables that were made of the same bytes. That they belong together
// is the caller's to know. What does not fit at all is an error, so that nothing reads outside of an array or without an end.
func ParseTables(data []byte, tb *Tables) (*Base, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	if foreign(h.Order) {
		return nil, errors.New("the other byte order")
	}
	body := data[h.Len:]
	t := &Types{order: h.Order, form: h.Form(), strs: section(body, h.StrOff, h.StrLen), start: 1, index: tb.Index}
	t.words = wordsOf(section(body, h.TypeOff, h.TypeLen), h.Order)
	n := len(t.strs)
	if n == 0 || t.strs[0] != 0 || t.strs[n-1] != 0 {
		return nil, errors.New("strings without a beginning or an end")
	}
	if !rising(tb.Index, len(t.words)) || len(tb.Index) > MaxID {
		return nil, errors.New("the index of types does not fit them")
	}
	free := 0
	for _, s := range tb.Strings {
		if s == 0 {
			free++
		}
		if uint64(uint32(s)) > uint64(n) {
			return nil, errors.New("the index of strings does not fit them")
		}
	}
	if size := uint(len(tb.Strings)); free == 0 || bits.OnesCount(size) != 1 {
		return nil, errors.New("the index of strings is no table")
	}
	t.offsOnce.Do(func() { t.offs = &offsetIndex{seed: tb.Seed, mask: uint32(len(tb.Strings) - 1), slot: tb.Strings} })
	b := NewBase(t)
	b.flat = func() bool { return tb.Flat }
	return b, nil
}

// rising tells whether an index of types leads through all words: each type has three at least.
func rising(index []uint32, words int) bool {
	if len(index) == 0 || index[0] != 0 || int64(index[len(index)-1]) != int64(words) {
		return false
	}
	for i, p := range index[1:] {
		if uint64(p) < uint64(index[i])+3 {
			return false
		}
	}
	return true
}
