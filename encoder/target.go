package encoder

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
)

// For returns the options changed so that the BTF has only what a kernel takes (docs/verify.md has the versions): kinds, kind_flag
// of tags, .BTF.base and header. What cannot be known before it is encoded, such as names, is verified: Encode then fails
// instead of saying so in a note.
func (o Options) For(k verify.Kernel) Options {
	for _, x := range [...]struct {
		features     Features
		major, minor int // first kernel that takes what they write
	}{
		{Float, 5, 13},
		{DeclTag | DeclTagKfuncs, 5, 16},
		{TypeTag, 5, 17},
		{Enum64, 6, 0},
		{TrueSignature, 6, 6}, // names with dots
		{DistilledBase, 6, 11},
		{Attributes, 6, 15},
	} {
		if k.Before(x.major, x.minor) {
			o.Features &^= x.features
		}
	}
	if k.Before(6, 11) && o.Form == Portable {
		o.Form = Shifted
	}
	if k.Before(7, 1) && o.Header == btf.HeaderLayout {
		o.Header = btf.Header24
	}
	o.Kernel, o.Targeted = k, true
	return o
}
