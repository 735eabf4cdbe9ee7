// Package refit makes the BTF of modules that are built already fit the kernel that runs: Rebase moves BTF that a module has
// onto another base, Add makes BTF for a module that was built without.
//
// Before it: a module's file and the BTF of a kernel. After it: the same file, with .BTF and .BTF_ids changed as a whole, or
// untouched. encoder, distill, dedup and btfids do the parts; what is here recognises what a module has, chooses between the
// sources, and says what changed in meaning.
package refit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/btfids"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

// Options belong to Rebase and Add. The zero value works.
type Options struct {
	From  *btf.Types // the base that split BTF was built on, if it is known
	Form  Form       // Split or Shifted; "" is Split, and leaves alone what fits as it is
	Force bool       // also where a struct that the module relies on differs
	Check bool       // write nothing

	CopyLink  bool   // the path is a symbolic link: what is written takes its place, and the module behind it stays as it is
	Vermagic  string // of the base's kernel (module.KernelVermagic); "" is not known, and nothing is compared
	AnyKernel bool   // also a module that a kernel with this vermagic would refuse

	StripSignature bool           // of modules that have one, which new BTF would break
	Signer         *module.Signer // signs modules that are written; the old signature goes
	DebugDirs      []string       // where separate debug files are looked for, before /usr/lib/debug
	Jobs           int            // workers of one encoding, 0 by size

	// FindFrom finds the base of the kernel that a module was built for, whose release its vermagic says: where there is no From, and
	// split BTF is all that the module has. It returns nil where there is none. Several goroutines may call it.
	FindFrom func(release string) *btf.Types

	// FetchDebug is as encoder.Options.FetchDebug.
	FetchDebug func(ctx context.Context, buildID []byte) (string, error)

	Notes func(format string, args ...any)
}

func (o Options) note(format string, args ...any) {
	if o.Notes != nil {
		o.Notes(format, args...)
	}
}

// Report says what became of one module.
type Report struct {
	Path          string
	Before, After Form
	Source        string // what the new BTF was made of: "its DWARF" ...; "" nothing was done
	Fits          bool   // it was right for the base as it was
	Why           string // why it was not
	Own, Shared   int    // types of its own; types of the base that they refer to
	Changes       []Change
	IDs           bool // .BTF_ids was renumbered

	check bool
}

// String is one line without the path.
func (r *Report) String() string {
	if r.Source == "" {
		if r.Fits {
			return fmt.Sprintf("%s BTF fits as it is", r.Before)
		}
		return fmt.Sprintf("%s BTF does not fit: %s", r.Before, r.Why)
	}
	s := ""
	if r.check {
		s = "does not fit: " + r.Why + "; rebase would make it "
	}
	s += fmt.Sprintf("%s -> %s, from %s: %s of its own, %d of the base", r.Before, r.After, r.Source, plural(r.Own, "type"), r.Shared)
	if r.IDs {
		s += ", .BTF_ids renumbered"
	}
	return s
}

// What Rebase and Add end with, beside errors of reading and writing.
var (
	// ErrNoBTF: there is nothing to rebase.
	ErrNoBTF = errors.New("no .BTF section (gobtf add makes one)")
	// ErrNoSource: nothing in the module says what its types were.
	ErrNoSource = errors.New("cannot be rebased")
	// ErrDiffers: the module's code was compiled with structs that are others now.
	ErrDiffers = errors.New("was compiled with structs that differ now (--force rebases it all the same)")
)

// subject is an open module, and what there is of BTF in it.
type subject struct {
	*module.File
	path     string
	own, sec []byte // .BTF, .BTF.base; nil when there is none
	ids      *btfids.Section
	hasIDs   bool
	release  string
	big      bool
}

func readSubject(f *module.File) (m *subject, err error) {
	path := f.Path()
	m = &subject{File: f, path: path, big: f.BigEndian(), hasIDs: f.ELF().Section(btfids.SectionName) != nil}
	if m.own, m.sec, err = f.BTF(); err != nil {
		return nil, err
	}
	if m.ids, err = btfids.Read(f.ELF()); err != nil {
		return nil, err
	}
	if m.release, err = f.Release(); err != nil {
		return nil, err
	}
	if m.hasIDs && m.ids == nil {
		return nil, fmt.Errorf("%s: section %s: without a symbol table nothing says what its ids are", path, btfids.SectionName)
	}
	return m, nil
}

// RebaseFile opens a module and rebases it.
func RebaseFile(ctx context.Context, path string, onto *btf.Base, opt Options) (*Report, error) {
	open := module.Open
	if opt.CopyLink {
		open = module.OpenLink
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Rebase(ctx, f, onto, opt)
}

// Rebase makes a module's BTF fit a base, and reports. An error that wraps ErrDiffers or ErrNoSource comes with a report; the
// file is untouched then.
func Rebase(ctx context.Context, f *module.File, onto *btf.Base, opt Options) (*Report, error) {
	m, err := readSubject(f)
	if err != nil {
		return nil, err
	}
	path := f.Path()
	r := &Report{Path: path, Before: None, check: opt.Check}
	if m.own == nil {
		return r, fmt.Errorf("%s: %w", path, ErrNoBTF)
	}
	if m.big != onto.Types.BigEndian() {
		return r, fmt.Errorf("%s: the base is of the other byte order", path)
	}
	if err := opt.sameKernel(f); err != nil {
		return r, err
	}
	found, unknown := Recognise(m.own, m.sec, onto.Types, opt.From)
	if unknown != nil && !errors.Is(unknown, ErrUnknownBase) && !errors.Is(unknown, ErrAmbiguous) {
		return r, fmt.Errorf("%s: .BTF: %w", path, unknown)
	}
	r.Before = Split
	if found != nil {
		r.Before = found.Form
	}
	r.Fits, r.Why = fits(found, unknown, m, onto)
	s := sources{m, found, unknown, kernel{onto}, opt, r}
	if r.Fits && (opt.Form == "" || opt.Form == r.Before) {
		if err := s.check(ctx); err != nil {
			return r, err
		}
		r.After, r.Source = r.Before, ""
		return r, differ(path, r, opt)
	}
	res, err := s.best(ctx)
	if err != nil {
		return r, err
	}
	if err := differ(path, r, opt); err != nil {
		return r, err
	}
	return r, m.write(res, nil, r, opt)
}

// fits tells whether a kernel with this base takes a module as it is, and sees in it what was meant.
// Rule forms/relocate.
func fits(found *Found, unknown error, m *subject, onto *btf.Base) (ok bool, why string) {
	switch {
	case found == nil:
		return false, unknown.Error()
	case found.Stale:
		return false, "its .BTF.base belongs to other BTF than it has"
	case found.OnOnto:
		return true, ""
	case found.Form == Raw:
		return false, "kernels take no standalone BTF"
	case found.Form == Shifted:
		return false, fmt.Sprintf("its ids begin at %d and its strings at %d, the base ends at %d and %d",
			found.FirstID, found.FirstName, onto.Types.Len(), kernel{onto}.stringsEnd())
	case found.Form == Split:
		return false, "it was built on the base of --from"
	}
	// A base of its own: the kernel matches it by name.
	if found.Types.Base().Len() == 1 && found.Types.Len() > 1 {
		return false, "its .BTF.base is empty, which kernels refuse"
	}
	if _, _, err := distill.Relocate(found.Types, onto.Types); err != nil {
		return false, err.Error()
	}
	if m.ids != nil && m.ids.Lists() {
		return false, "a kernel relocates no plain BTF_ID lists of a module that has .BTF.base"
	}
	return true, ""
}

func (b kernel) stringsEnd() int { return int(b.Types.StringsStart()) + len(b.Types.Strings()) }

// differ turns changes that break the module's code into an error.
func differ(path string, r *Report, opt Options) error {
	var bad []string
	for _, c := range r.Changes {
		if c.Breaks() {
			bad = append(bad, c.String())
		}
	}
	if len(bad) == 0 || opt.Force {
		return nil
	}
	more := ""
	if n := len(bad) - 3; n > 0 {
		bad, more = bad[:3], fmt.Sprintf("; and %d more", n)
	}
	return fmt.Errorf("%s: %w: %s%s", path, ErrDiffers, strings.Join(bad, "; "), more)
}

// write puts new types into the file, and its ids with them. base is what becomes .BTF.base, nil for none.
func (m *subject) write(own, base *btf.Types, r *Report, opt Options) error {
	if k, err := verify.ParseKernel(m.release); err == nil && !k.Before(7, 0) {
		if own, err = btfids.Arrange(own, m.ids); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	if err := m.verified(own, base, opt); err != nil {
		return err
	}
	r.Own, r.Shared = own.Len()-int(own.Start()), sharedTypes(own)
	set := []elfx.NamedData{{Name: ".BTF", Data: own.WithStrings().AppendForm(nil, btf.Header24)}}
	if base != nil {
		set = append(set, elfx.NamedData{Name: ".BTF.base", Data: base.AppendForm(nil, btf.Header24)})
	}
	stale, _ := encoder.Stale(m.File, base != nil) // the report says which forms the module has had
	set = append(set, stale...)
	if m.ids != nil {
		for _, w := range m.ids.Resolve(own) {
			if w.Unresolved {
				opt.note("%s: section %s: %v", m.path, btfids.SectionName, w)
			}
		}
		r.IDs = true
		set = append(set, elfx.NamedData{Name: btfids.SectionName, Data: m.ids.Data})
	}
	if opt.Check {
		return nil
	}
	note, err := m.ELF().SetSections(set, elfx.WriteOptions{StripSignature: opt.StripSignature, Sign: opt.Signer.Func()})
	if note != "" {
		opt.note("%s: %s", m.path, note)
	}
	return err
}

// verified checks what is about to be written as the module's kernel does at load. What it would refuse is not written, unless forced.
func (m *subject) verified(own, base *btf.Types, opt Options) error {
	kernel, _ := verify.ParseKernel(m.release) // what it does not understand is the newest
	var small []byte
	if base != nil {
		small = base.AppendForm(nil, btf.Header24)
	}
	found, err := verify.CheckOn(own.AppendForm(nil, btf.Header24), small, own.Base(), verify.Options{Kernel: kernel, Max: 1})
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("Linux %v does not take what it would become: %v", kernel, found[0])
	}
	if err != nil && opt.Force {
		opt.note("%s: %v", m.path, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}

// sharedTypes counts the types of the base that own types refer to.
func sharedTypes(t *btf.Types) int {
	seen := map[btf.TypeID]bool{}
	for id := t.Start(); int(id) < t.Len(); id++ {
		for to := range t.Type(id).Refs() {
			if to != 0 && to < t.Start() {
				seen[to] = true
			}
		}
	}
	return len(seen)
}

// features are what kernels want encoded, as far as the base's kernel knows it.
func (b kernel) features() encoder.Features {
	fs := encoder.DefaultFeatures
	enum64, attributes := false, false
	for _, x := range b.Types.All() {
		switch x.Kind() {
		case btf.Enum64:
			enum64 = true
		case btf.TypeTag, btf.DeclTag:
			attributes = attributes || x.Kflag()
		default: // other kinds: every kernel knows them
		}
	}
	if !enum64 {
		fs &^= encoder.Enum64 // a kernel before 6.0 refuses it; every later one has some
	}
	if attributes {
		fs |= encoder.Attributes
	}
	return fs
}
