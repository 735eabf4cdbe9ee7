package btf

// For tests that stand outside of the package, because what they share with other packages' tests imports it.
var ElfContents = elfContents

func (c contents) BTF() []byte { return c.btf }
