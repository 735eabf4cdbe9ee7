package main

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
)

// enum64Note is a line for those who build a kernel older than 6.0 with no flags: it refuses BTF with an ENUM64 as a whole, its
// own resolve_btfids does so before. pahole <= 1.23, which such builds were made for, wrote an ENUM. Empty when all is well.
func enum64Note(opt encoder.Options, res *encoder.Result, kernel func() release) string {
	if !opt.Features.Has(encoder.Enum64) {
		return ""
	}
	r := kernel()
	if !r.known() || !r.before(6, 0) {
		return ""
	}
	var base *btf.Types
	if opt.Form == encoder.Split {
		base = opt.Base
	}
	t, err := btf.Parse(res.BTF, base)
	if err != nil {
		return "" // what is wrong with it is the verifier's to say
	}
	n := 0
	for _, typ := range t.All() {
		if typ.Kind() == btf.Enum64 {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("the BTF has ENUM64 (%d), which came with kernel 6.0; this is %v, which will refuse it: --skip_encoding_btf_enum64 makes them ENUM", n, r)
}
