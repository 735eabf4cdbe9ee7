package refit

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/btfids"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/filekind"
	"github.com/gobtf/gobtf/module"
)

// Verdict says what a kernel makes of a file's BTF.
type Verdict struct {
	Path     string
	Kernel   verify.Kernel // by whose rules
	Full     bool
	Bytes    int // of .BTF, or of the file
	Split    bool
	Form     Form // what it is: standalone BTF is Raw, whatever it is of
	Findings []Finding
	// Readers are libraries that do not read it, though a kernel does; if Full.
	Readers []verify.Reader
}

// Finding is one of verify's, and the section it is in: ".BTF", ".BTF.base", or "" for a file that is BTF itself.
type Finding struct {
	Section string
	verify.Finding
}

// String is one line.
func (f Finding) String() string {
	if f.Section == "" {
		return f.Finding.String()
	}
	return "section " + f.Section + ": " + f.Finding.String()
}

// ErrNeedsBase: split BTF cannot be looked at alone.
var ErrNeedsBase = errors.New("is split BTF, and says nothing without its base (--btf_base)")

// Verify checks the BTF of a file as a kernel does that loads it: BTF as such, or an ELF file's .BTF and .BTF.base, compressed or
// not. base is what split BTF continues, or for a module with .BTF.base the kernel it is loaded on; nil when there is none. kernel
// is nil for that of a module's vermagic, or the newest one known.
func Verify(path string, base *btf.Types, kernel *verify.Kernel, full bool, pointerSize int) (*Verdict, error) {
	in, err := readForVerify(path)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Path: path, Full: full, Bytes: len(in.own)}
	switch {
	case kernel != nil:
		v.Kernel = *kernel
	case in.release != "":
		v.Kernel, _ = verify.ParseKernel(in.release) // what it does not understand is the newest
	}
	opt := verify.Options{Kernel: v.Kernel, Full: full, PointerSize: pointerSize}
	if opt.PointerSize == 0 {
		opt.PointerSize = in.pointerSize
	}
	keep := func(section string, found []verify.Finding) {
		for _, f := range found {
			v.Findings = append(v.Findings, Finding{section, f})
		}
	}
	if in.base == nil {
		v.Split, v.Form = base != nil, Raw
		if base == nil && splitStrings(in.own) {
			return nil, fmt.Errorf("%s: %w", path, ErrNeedsBase)
		}
		if other := otherBase(in, base, v); other != "" {
			keep(in.section, []verify.Finding{{Level: 1, Rule: other, Since: "every kernel"}})
			return v, nil
		}
		keep(in.section, verify.Check(in.own, base, opt))
		if len(v.Findings) == 0 {
			if t, err := btf.Parse(in.own, base); err == nil {
				keep(btfids.SectionName, in.checkIDs(t, full))
				v.readers(t)
			}
		}
		return v, nil
	}
	v.Split, v.Form = true, Distilled
	if v.Kernel.Before(6, 11) {
		keep(".BTF.base", []verify.Finding{{Level: 1, Rule: "not known to the kernel, which takes .BTF for a continuation of vmlinux's types", Since: "before 6.11"}})
		if base != nil {
			found := verify.Check(in.own, base, opt)
			keep(in.section, found[:min(1, len(found))]) // the rest makes no more sense
		}
		return v, nil
	}
	if found := verify.Check(in.base, nil, opt); len(found) > 0 {
		keep(".BTF.base", found)
		return v, nil
	}
	small, err := btf.Parse(in.base, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: .BTF.base: %w", path, err)
	}
	keep(in.section, verify.Check(in.own, small, opt))
	if len(v.Findings) > 0 {
		return v, nil
	}
	t, err := btf.Parse(in.own, small)
	if err != nil {
		return nil, fmt.Errorf("%s: .BTF: %w", path, err)
	}
	if _, err := distill.Unshift(t); err == nil {
		v.Form = Portable
	}
	keep(btfids.SectionName, in.checkIDs(t, full))
	v.readers(t)
	if full {
		keep(in.section, verify.DistilledBase(t, in.ids != nil && in.ids.Lists()))
	}
	if base == nil {
		return v, nil
	}
	// Loading it relocates it.
	var misfit *distill.MisfitError
	switch _, _, err := distill.Relocate(t, base); {
	case errors.As(err, &misfit):
		for _, m := range misfit.Misfits {
			keep(".BTF.base", []verify.Finding{{Level: 1, ID: m.ID, Kind: m.Kind, Name: m.Name, Rule: m.Why, Message: m.Message(base), Since: "since 6.11"}})
		}
	case err != nil:
		return nil, fmt.Errorf("%s: .BTF.base: %w", path, err)
	}
	return v, nil
}

func (v *Verdict) readers(t *btf.Types) {
	if v.Full {
		v.Readers = verify.Readers(t)
	}
}

// otherBase says in what a module's BTF has nothing to do with the base that it is looked at with. Findings on each of its types would only
// hide that. It settles the form of what is right.
func otherBase(in *verifyInput, base *btf.Types, v *Verdict) string {
	if base == nil {
		if in.module {
			return "a module's BTF has to continue vmlinux's, and this stands alone (gobtf rebase makes it fit a kernel)"
		}
		return ""
	}
	found, err := Recognise(in.own, nil, base, nil)
	switch {
	case errors.Is(err, ErrUnknownBase):
		v.Form = Split
		// A type or two that make no sense are faults of their own, and the checks say which.
		if t, err := btf.Parse(in.own, base); err == nil {
			if f, _ := fit(t); !f.other() {
				return ""
			}
		}
		return "was built on another base than this one (gobtf rebase makes it fit)"
	case err != nil: // it is broken, and the checks say how
		v.Form = Split
	case found.Form == Raw && in.module:
		v.Split = false
		return "a module's BTF has to continue vmlinux's, and this stands alone (gobtf rebase makes it fit a kernel)"
	case found.Form == Shifted && !found.OnOnto:
		v.Form = Shifted
		return fmt.Sprintf("was shifted to another base than this one: its ids begin at %d, the base ends at %d (gobtf rebase makes it fit)", found.FirstID, base.Len())
	default:
		v.Form = found.Form
	}
	return ""
}

// verifyInput is what there is of a file to look at.
type verifyInput struct {
	section     string // that own is in, "" for none
	own, base   []byte
	release     string
	pointerSize int
	ids         *btfids.Section // nil where there is none
	badIDs      error           // what is wrong with its symbols
	module      bool            // a kernel module: it has a vermagic
}

// maxIDs is how many faults of .BTF_ids are told one by one.
const maxIDs = 20

// checkIDs looks at .BTF_ids: its words are ids that code uses, and no kernel notices a wrong one at load.
func (in *verifyInput) checkIDs(t *btf.Types, full bool) (found []verify.Finding) {
	if in.badIDs != nil {
		text := in.badIDs.Error()
		if e := (*btfids.SymbolError)(nil); errors.As(in.badIDs, &e) {
			text = e.Text() // the finding has file and section itself
		}
		return []verify.Finding{{Level: 1, Rule: text}}
	}
	if in.ids == nil {
		return nil
	}
	if full && in.ids.Empty() {
		return []verify.Finding{{Level: 2, Rule: "none of its ids is filled in: resolve_btfids has not been here (gobtf add and gobtf rebase do it, too)"}}
	}
	faults := in.ids.Check(t)
	if more := len(faults) - maxIDs; more > 1 {
		faults = append(faults[:maxIDs], fmt.Sprintf("and %d more", more))
	}
	for _, f := range faults {
		found = append(found, verify.Finding{Level: 1, Rule: f})
	}
	return found
}

func readForVerify(path string) (*verifyInput, error) {
	m, err := elfx.MapBTF(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if !bytes.HasPrefix(m.Data, []byte("\x7fELF")) {
		if !filekind.IsBTF(m.Data) && filekind.What(m.Data) != "" { // of what has no name the kernel's own words are more
			return nil, fmt.Errorf("%s: %w", path, filekind.Neither(m.Data, btf.ErrNotBTF))
		}
		return &verifyInput{own: bytes.Clone(m.Data)}, nil
	}
	e, err := elfx.FromMapping(path, m)
	if err != nil {
		return nil, err
	}
	f := module.FromELF(e)
	in := &verifyInput{section: ".BTF", pointerSize: f.PointerSize()}
	own, base, err := f.BTF()
	if err != nil {
		return nil, err
	}
	in.own, in.base = bytes.Clone(own), bytes.Clone(base) // the file is closed before they are looked at
	if in.own == nil {
		return nil, fmt.Errorf("%s: %w", path, ErrNoBTF)
	}
	in.ids, in.badIDs = btfids.Read(e)
	in.release, err = f.Release()
	in.module = in.release != ""
	return in, err
}

// splitStrings tells whether the strings of a BTF can only be those of a split one.
func splitStrings(data []byte) bool {
	h, err := btf.ParseHeader(data)
	if err != nil {
		return false
	}
	strs := part(data[h.Len:], h.StrOff, h.StrLen)
	return len(strs) > 0 && strs[0] != 0 || len(strs) == 0 && h.TypeLen > 0
}
