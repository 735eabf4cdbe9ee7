// Package dedup merges BTFs: equal types become one, with exactly the result of libbpf's btf__dedup, byte for byte.
//
// Before it: package btf, which reads BTFs. After it: whoever writes or looks at the result. The algorithm is in internal/dedup, on a
// form that holds types by the million; what is here takes and gives *btf.Types.
package dedup

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
	engine "github.com/gobtf/gobtf/internal/dedup"
)

// Options choose between libbpf's behaviour and what is better than it. The zero value is libbpf's, repaired.
type Options struct {
	// Quirks hides the base's typedefs, as libbpf 1.7.0 does: every typedef, and what is built on one, is then copied although the
	// base has it. Without a base it changes nothing.
	Quirks bool

	// UsedStrings leaves out strings that no type of the result has, and orders the others by its types. libbpf keeps all strings of
	// the types that went in, in their order.
	UsedStrings bool
}

// Merge makes one BTF of several: their types one after the other, of equal ones the first. Each of list stands alone or is split on
// base's types; all are in one byte order, and so is the result.
//
// With a base the result is split on it, and types that the base has are the base's. Without one, base is nil, it stands alone.
//
// A type that cannot be merged is an error that names it: a reference loop without a struct in it, or a STRUCT, UNION or TYPEDEF that
// leads to a VAR, DATASEC or DECL_TAG.
func Merge(list []*btf.Types, base *btf.Base, opt Options) (*btf.Types, error) {
	t, err := engine.Merge(list, base, engine.Options{Quirks: opt.Quirks}, opt.UsedStrings)
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	return t, nil
}
