package refit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/module"
)

// sameKernel compares a module's vermagic with that of the base's kernel, as that kernel does when it loads the module. Whatever the
// module's BTF is, it would be refused where they differ.
func (o Options) sameKernel(f *module.File) error {
	if o.Vermagic == "" || o.Force || o.AnyKernel {
		return nil
	}
	own, err := f.Vermagic()
	if err != nil {
		return err
	}
	if own == "" {
		return nil // whether it is a module at all is asked elsewhere
	}
	if why := magicDiffers(own, o.Vermagic); why != "" {
		return fmt.Errorf("%s: %w: %s", f.Path(), ErrOtherKernel, why)
	}
	return nil
}

// magicDiffers says in what two vermagics differ, "" when a kernel that has the second takes a module that has the first: all words are
// equal, or all but the release where both say modversions, since then the symbols' checksums tell what fits.
// Source: same_magic in kernel/module/version.c, by its behaviour.
func magicDiffers(module, kernel string) string {
	a, b := strings.Fields(module), strings.Fields(kernel)
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	versions := slices.Contains(a, "modversions") && slices.Contains(b, "modversions")
	if strings.Join(a[1:], " ") != strings.Join(b[1:], " ") {
		return fmt.Sprintf("its vermagic is %q, and the base's kernel has %q", module, kernel)
	}
	if a[0] != b[0] && !versions {
		return fmt.Sprintf("its vermagic says %s, and the base is of %s, without modversions on both sides", a[0], b[0])
	}
	return ""
}
