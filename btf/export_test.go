package btf

import "io"

// For tests that stand outside of the package, because what they share with other packages' tests imports it.
func ElfContents(r io.ReaderAt) (contents, error) { return elfContents(r, reading{}) }

func (c contents) BTF() []byte { return c.btf }
