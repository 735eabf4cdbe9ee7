package encoder

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
)

// verified checks what is about to be handed out by what a kernel checks when it loads its own or a module's BTF (level 1 of
// btf/verify). A finding is a note, since the bytes are the reference's, and with Strict or a target kernel an error.
func verified(path string, res *Result, opt Options) error {
	var base *btf.Types
	if opt.Base != nil && opt.Form != Raw {
		base = opt.Base.Types
	}
	found, err := verify.CheckOn(res.BTF, res.BTFBase, base, verify.Options{Kernel: opt.Kernel})
	if err != nil {
		return fmt.Errorf("%s: encoded BTF: %w", path, err)
	}
	if len(found) == 0 {
		return nil
	}
	more := ""
	if n := len(found) - 1; n > 0 {
		more = fmt.Sprintf("; and %d more (gobtf verify)", n)
	}
	if k := found[0].Kind; (k == btf.Enum64 || k == btf.Enum) && found[0].Since != "" {
		// pahole up to 1.23, which builds of such kernels were made for, wrote an ENUM.
		more += ": --skip_encoding_btf_enum64 makes them ENUM without signs"
	}
	if opt.Strict || opt.Targeted {
		return fmt.Errorf("%s: Linux %v does not take this BTF: %v%s", path, opt.Kernel, found[0], more)
	}
	if opt.Notes != nil {
		opt.Notes("%s: Linux %v does not take this BTF: %v%s", path, opt.Kernel, found[0], more)
	}
	return nil
}
