package encoder

import (
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/distill"
)

// errNoBase is the reference's message where there is nothing to distill.
var errNoBase = errors.New("could not generate distilled base BTF: Invalid argument (distilled_base needs --btf_base)")

// distilled puts the result on a base of its own (feature distilled_base).
func (j *job) distilled(split *btf.Types) error {
	if j.opt.Base == nil {
		return errNoBase
	}
	own, base, err := distill.Distill(split)
	if err != nil {
		return fmt.Errorf("could not generate distilled base BTF: %w", err)
	}
	if !j.opt.Quirks {
		own = own.WithStrings()
	}
	j.res.BTF, j.res.BTFBase = own.AppendForm(nil, j.opt.Header), base.AppendForm(nil, j.opt.Header)
	j.res.NumTypes = own.Len() - int(own.Start())
	return nil
}
