package btfids

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/internal/elfx"
)

// Job is one run of the tool on one object.
type Job struct {
	Object  string // ELF file
	BTF     string // file with its BTF, if the object does not hold it
	Base    string // what that continues; "" is nothing, or the object's own .BTF.base
	Files   bool   // as from kernel 7.0 on: the object stays, OBJECT.BTF, .BTF_ids and .BTF.base are written
	Distill bool   // put the BTF on a small base of its own (with Files)
	Strict  bool   // a name without a type is an error

	// Verify is asked about a .BTF before it is written (with Files), about the .BTF.base that it is on (nil: none) and the base
	// (nil: none); its error is that of the run. nil: nothing is asked.
	Verify func(own, small []byte, base *btf.Types) error

	Warn, Log func(format string, args ...any) // one line each; nil drops them
}

// ErrUnresolved is wrapped by the error that Strict makes of a name without a type.
var ErrUnresolved = errors.New("no type has this name")

// Run does it. In place nothing happens when the object has no .BTF_ids or no symbol table.
func (j *Job) Run() error {
	f, err := elfx.Open(j.Object)
	if err != nil {
		return err
	}
	defer f.Close()
	sec, err := Read(f)
	if err != nil {
		return err
	}
	if sec == nil && !j.Files {
		j.log("%s: no %s or no symbols: nothing to do", j.Object, SectionName)
		return nil
	}
	t, err := j.load(f)
	if err != nil {
		return err
	}
	// libbpf writes what it has read with the header that it had, and what it has made itself, a distilled BTF, with
	// the longer one of 1.8.
	form := t.Form()
	var small *btf.Types
	if j.Files {
		if t, err = implicitArgs(t, sec, j.log); err != nil {
			return fmt.Errorf("%s: %w", j.Object, err)
		}
		if j.Distill && t.Base() != nil {
			if t, small, err = distill.Distill(t); err != nil {
				return fmt.Errorf("%s: %w", j.Object, err)
			}
			form = btf.Header32
		}
		if t, err = sortByName(t); err != nil {
			return fmt.Errorf("%s: %w", j.Object, err)
		}
	}
	if sec != nil {
		if err := j.resolve(sec, t); err != nil {
			return err
		}
	}
	if !j.Files {
		_, err := f.SetSections([]elfx.NamedData{{Name: SectionName, Data: sec.Data}}, elfx.WriteOptions{})
		return err
	}
	out := []elfx.NamedData{{Name: ".BTF", Data: t.AppendForm(nil, form)}}
	if small != nil {
		out = append(out, elfx.NamedData{Name: ".BTF.base", Data: small.AppendForm(nil, form)})
	}
	if j.Verify != nil {
		var base []byte
		if small != nil {
			base = out[1].Data
		}
		if err := j.Verify(out[0].Data, base, t.Base()); err != nil {
			return fmt.Errorf("%s: %w", j.Object, err)
		}
	}
	if sec != nil {
		out = append(out, elfx.NamedData{Name: SectionName, Data: sec.Data})
	}
	var files []elfx.Output
	for _, o := range out {
		files = append(files, elfx.Output{Path: j.Object + o.Name, Data: o.Data})
	}
	_, err = elfx.WriteFilesAtomic(files, j.Object, j.BTF, j.Base)
	return err
}

func (j *Job) resolve(sec *Section, t *btf.Types) error {
	for _, w := range sec.Resolve(t) {
		if w.Unresolved && j.Strict {
			return fmt.Errorf("%s: section %s: %s: %w", j.Object, SectionName, w.Name, ErrUnresolved)
		}
		if j.Warn != nil {
			j.Warn("%v", w)
		}
	}
	return nil
}

func (j *Job) log(format string, args ...any) {
	if j.Log != nil {
		j.Log(format, args...)
	}
}

// load reads the BTF that the object's names are looked up in.
func (j *Job) load(f *elfx.File) (*btf.Types, error) {
	var raw, ownBase []byte
	var err error
	name := j.Object + ": .BTF"
	if j.BTF != "" {
		name = j.BTF
		raw, ownBase, err = btf.ReadSections(j.BTF)
	} else {
		if raw, err = sectionData(f, ".BTF"); err == nil {
			ownBase, err = sectionData(f, ".BTF.base")
		}
	}
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("%s: %w", j.Object, btf.ErrNoBTF)
	}
	var base *btf.Types
	switch {
	case ownBase != nil: // what is given beside it does not count: the kernel's tool goes by it too
		if base, err = btf.Parse(ownBase, nil); err != nil {
			return nil, named(name+".base", err)
		}
	case j.Base == "":
	case Standalone(raw):
		if j.Warn != nil {
			j.Warn("%s: standalone BTF, which does not refer to %s: its own ids are used", name, j.Base)
		}
	default:
		if base, err = btf.ReadFile(j.Base, nil); err != nil {
			return nil, err
		}
	}
	t, err := btf.Parse(raw, base)
	if err != nil {
		return nil, named(name, err)
	}
	return t, nil
}

// Standalone tells whether a BTF refers to itself alone. What an encoder writes on a base never begins its strings with
// the empty one, and its ids and names continue the base's: read without it they lead nowhere.
func Standalone(raw []byte) bool {
	t, err := btf.Parse(raw, nil)
	return err == nil && len(t.Strings()) > 0 && t.Strings()[0] == 0
}

func sectionData(f *elfx.File, name string) ([]byte, error) {
	s := f.Section(name)
	if s == nil {
		return nil, nil
	}
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(data), nil
}

// named puts a file's name before an error of btf that has none.
func named(name string, err error) error {
	if strings.HasPrefix(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Patch writes a whole .BTF_ids, as an earlier run made it, into an object. The sizes must be equal.
func Patch(object, blob string) error {
	m, err := elfx.Map(blob)
	if err != nil {
		return err
	}
	defer m.Close()
	f, err := elfx.Open(object)
	if err != nil {
		return err
	}
	defer f.Close()
	s := f.Section(SectionName)
	var size uint64
	if s != nil {
		size = s.Size
	}
	switch {
	case s == nil:
		return fmt.Errorf("%s: no section %s", object, SectionName)
	case size != uint64(len(m.Data)):
		return fmt.Errorf("%s: section %s has %d bytes and %s %d", object, SectionName, size, blob, len(m.Data))
	}
	_, err = f.SetSections([]elfx.NamedData{{Name: SectionName, Data: bytes.Clone(m.Data)}}, elfx.WriteOptions{})
	return err
}
