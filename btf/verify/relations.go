package verify

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// relations looks for what no kernel refuses and what breaks those who read the types all the same.
func (c *checker) relations() {
	n := c.start + uint32(len(c.at)) - 1
	known := map[uint64][]uint32{} // hash of a record -> ids
	seed := maphash.MakeSeed()
	var buf []byte
	for id := c.start; id < n; id++ {
		rec := c.record(id)
		buf = buf[:0]
		for _, w := range rec {
			buf = append(buf, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
		}
		h := maphash.Bytes(seed, buf)
		for _, other := range known[h] {
			if slices.Equal(rec, c.record(other)) {
				c.add(Finding{
					ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Level: 2,
					Rule: fmt.Sprintf("is equal to type %d: tools that look for a name find two", other),
				})
				break
			}
		}
		known[h] = append(known[h], id)
	}
}

// DistilledBase checks what stands between a BTF and its .BTF.base, on which it was parsed. hasLists tells that the module has
// BTF_ID lists of its own.
func DistilledBase(t *btf.Types, hasLists bool) []Finding {
	var found []Finding
	base := t.Base()
	if base == nil {
		return nil
	}
	if base.Len() == 1 && t.Len() > 1 {
		found = append(found, Finding{Level: 2, Rule: ".BTF.base has no types, and kernels refuse such a base"})
	}
	if hasLists {
		found = append(found, Finding{Level: 2, Rule: "a kernel renumbers .BTF_ids sets of kfuncs for a .BTF.base, but no BTF_ID lists: the module reads wrong ids (gobtf rebase)", Since: "since 6.11"})
	}
	return found
}
