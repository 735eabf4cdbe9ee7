package verify

import (
	"fmt"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Reader is a library beside the kernel, versions of which do not read a BTF.
type Reader struct {
	Name   string
	Before string // the first version that reads it
	Why    string
}

// String is one line: "cilium/ebpf before 0.20 does not read it: its string section is empty".
func (r Reader) String() string {
	return fmt.Sprintf("%s before %s does not read it: %s", r.Name, r.Before, r.Why)
}

// Readers tells which versions of libraries in the field do not read a BTF that kernels take. They were tried by make readers:
// cilium/ebpf 0.9 to 0.22. libbpf 1.1 to 1.8 (in bpftool and pahole) read all that it has.
func Readers(t *btf.Types) []Reader {
	const cilium = "cilium/ebpf" // tetragon, cilium and others read all modules' BTF by it
	var list []Reader
	if t.Form() == btf.HeaderLayout {
		list = append(list, Reader{cilium, "0.22", "it has a layout section"})
	}
	if t.Base() != nil && len(t.Strings()) == 0 {
		list = append(list, Reader{cilium, "0.20", "its string section is empty"})
	}
	var has [btf.NumKinds]bool
	for _, x := range t.All() {
		has[x.Kind()] = true
	}
	var unknown []string
	for _, k := range [...]btf.Kind{btf.DeclTag, btf.TypeTag, btf.Enum64} {
		if has[k] {
			unknown = append(unknown, k.String())
		}
	}
	if len(unknown) > 0 {
		list = append(list, Reader{cilium, "0.11", "of the kinds it has no " + strings.Join(unknown, ", ")})
	}
	return list
}
