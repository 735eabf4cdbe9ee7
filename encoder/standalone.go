package encoder

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/module"
)

// Form is a form of module BTF (docs/module-btf.md).
type Form uint8

const (
	Split    Form = iota // on Options.Base; without one: standalone
	Raw                  // standalone, ids from 1, whatever base there is
	Shifted              // standalone, renumbered to sit on top of Options.Base
	Portable             // standalone on a .BTF.base of one INT
)

var formNames = [...]string{"split", "raw", "shifted", "portable"}

// String returns the form as --standalone names it.
func (f Form) String() string { return formNames[f] }

// ParseForm reads the name of a standalone form.
func ParseForm(name string) (Form, bool) {
	for f := Raw; int(f) < len(formNames); f++ {
		if formNames[f] == name {
			return f, true
		}
	}
	return 0, false
}

// encodeStandalone encodes without a base, then gives the result the form that is asked for.
func encodeStandalone(ctx context.Context, files []*module.File, opt Options) (*Result, error) {
	base, form := opt.Base, opt.Form
	opt.Base, opt.Form = nil, Split
	opt.Features &^= DistilledBase
	if form == Shifted && base == nil {
		return nil, errors.New("standalone BTF is shifted to the top of a base, and there is none (--btf_base)")
	}
	res, err := encode(ctx, files, opt)
	if err != nil || res.Empty || form == Raw {
		return res, err
	}
	if err := reform(res, form, base, opt); err != nil {
		return nil, fmt.Errorf("%s: %v form: %w", files[0].Path(), form, err)
	}
	return res, nil
}

// reform makes standalone BTF shifted or portable.
func reform(res *Result, form Form, base *btf.Base, opt Options) error {
	t, err := btf.Parse(res.BTF, nil)
	if err != nil {
		return err
	}
	if form == Portable {
		own, small, err := distill.Portable(t)
		if err != nil {
			return err
		}
		res.BTF, res.BTFBase = own.WithStrings().AppendForm(nil, opt.Header), small.AppendForm(nil, opt.Header)
		return nil
	}
	if base.BigEndian() != t.BigEndian() {
		return fmt.Errorf("base BTF is %s and the file is %s", endianName(base.BigEndian()), endianName(t.BigEndian()))
	}
	own, err := distill.Shift(t, base.Types, opt.ShareScalars)
	if err != nil {
		return err
	}
	if opt.ShareScalars && own.Len()-int(own.Start()) == t.Len()-1 && opt.Notes != nil {
		opt.Notes("no type is shared with the base: what a kernel build of 7.x distills from this BTF has an empty base, which kernels refuse")
	}
	res.BTF, res.NumTypes = own.WithStrings().AppendForm(nil, opt.Header), own.Len()-int(own.Start())
	return nil
}
