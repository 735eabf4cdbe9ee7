// Package ciliumebpf hands types over to github.com/cilium/ebpf, and takes them from there. The program gobtf does not use it.
package ciliumebpf

import (
	"bytes"
	"errors"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/gobtf/gobtf/btf"
)

// Spec makes a cilium/ebpf Spec of types. Split BTF needs its base as a Spec, which Spec makes of ts.Base(); of types that stand alone
// base is nil. The ids are the same on both sides.
func Spec(ts *btf.Types, base *cbtf.Spec) (*cbtf.Spec, error) {
	data := ts.WithStrings().AppendForm(nil, btf.Header24) // the header that all versions of cilium/ebpf read
	if ts.Base() == nil {
		return cbtf.LoadSpecFromReader(bytes.NewReader(data))
	}
	if base == nil {
		return nil, errors.New("split BTF needs the Spec of its base")
	}
	return cbtf.LoadSplitSpecFromReader(bytes.NewReader(data), base)
}

// Types takes all types of a Spec, in its order, and what they refer to: of a split one that is part of its base. They stand alone, so
// ids are the same only where the Spec stands alone, too.
func Types(s *cbtf.Spec) (*btf.Types, error) {
	b, err := cbtf.NewBuilder(nil, nil)
	if err != nil {
		return nil, err
	}
	for t, err := range s.All() {
		if err != nil {
			return nil, err
		}
		if _, err := b.Add(t); err != nil {
			return nil, err
		}
	}
	data, err := b.Marshal(nil, nil)
	if err != nil {
		return nil, err
	}
	return btf.Parse(data, nil)
}
