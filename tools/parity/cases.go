package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// state is what came of one case.
type state int

const (
	equal   state = iota // what was asked for is equal
	differs              // it is not
	alone                // the reference gives up, for a reason that knownFailures has, and gobtf writes
	nothing              // both found nothing to encode
	garbage              // the reference does not relocate this machine's objects, and what it writes is not what they say
)

func (s state) String() string { return [...]string{"ok", "DIFF", "alone", "empty", "garbage"}[s] }

// unrelocated tells whether a file is an object of a machine whose relocations elfutils does not know, and so the reference neither
// (docs/machines.md, where gobtf's BTF of such objects is compared with the linked program's). It wants proof that it is so: gobtf's
// output has ten times as many strings. Of those machines mips64el has debug kernels.
func unrelocated(file string, reference, own []byte) bool {
	f, err := elf.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	if f.Type != elf.ET_REL || f.Machine != elf.EM_MIPS || f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB {
		return false
	}
	a, errA := btf.ParseHeader(reference)
	b, errB := btf.ParseHeader(own)
	return errA == nil && errB == nil && uint64(a.StrLen)*10 < uint64(b.StrLen)
}

// knownFailures are what the reference says of an entry that is fatal to it; gobtf writes the rest (docs/parity.md). A failure with
// other words is one of the case.
var knownFailures = []*regexp.Regexp{
	regexp.MustCompile(`^Unsupported DW_TAG_\w+\(0x[0-9a-f]+\): type: `),
	regexp.MustCompile(`^Complex, interval and imaginary float types are not supported$`),
	regexp.MustCompile(`Error emitting BTF (type|enum value)`),
}

// result counts a case, and prints it if it differs or all are wanted. detail is printed below it.
func (p *parity) result(s state, name, text string, detail []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count[s]++
	if (s == equal || s == nothing || s == garbage) && !p.verbose {
		return
	}
	fmt.Fprintf(p.out, "%-5s %s: %s\n", s, name, text)
	lines := strings.Split(strings.TrimRight(string(detail), "\n"), "\n")
	for i, l := range lines {
		if i == 60 {
			fmt.Fprintf(p.out, "     ... and %d lines more\n", len(lines)-i)
			break
		}
		if l != "" {
			fmt.Fprintln(p.out, "     "+l)
		}
	}
}

// own runs gobtf; the error's text is the last line of what it said.
func (p *parity) own(args ...string) error {
	out, err := exec.Command(p.gobtf, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("status %d: %s", exit.ExitCode(), lastLine(out))
	}
	return err
}

// temp makes a folder for one case.
func (p *parity) temp() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(p.work, "case.")
	return dir, func() { os.RemoveAll(dir) }, err
}

// plain compares the detached output for one file, on a base or standalone.
func (p *parity) plain(file, base, name string, flags []string, quirks bool) {
	dir, remove, err := p.temp()
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	defer remove()
	got := filepath.Join(dir, "own.btf")
	args := append([]string{"--btf_encode_detached=" + got}, flags...)
	if quirks {
		args = append(args, "--pahole_quirks")
	}
	if base != "" {
		args = append(args, "--btf_base="+base)
	}
	want := p.ref.encode(file, base, flags)
	err = p.own(append(args, file)...)
	if err != nil {
		p.result(differs, name, err.Error(), []byte("reference: "+want.why))
		return
	}
	b, err := os.ReadFile(got)
	if err != nil {
		p.result(differs, name, "gobtf ends with status 0 and has no output", nil)
		return
	}
	switch want.outcome {
	case failed:
		p.result(differs, name, "the reference fails: "+want.why, nil)
	case gaveUp:
		for _, r := range knownFailures {
			if r.MatchString(want.why) {
				p.result(alone, name, fmt.Sprintf("the reference gives up (%s), gobtf writes %d bytes", want.why, len(b)), nil)
				return
			}
		}
		p.result(differs, name, "the reference gives up for a reason that is not known: "+want.why, nil)
	case empty:
		// Where the reference ends with status 0 and writes nothing, gobtf writes a BTF without types: a header, and the empty
		// string unless it is on a base.
		if len(b) == 24 || len(b) == 25 {
			p.result(nothing, name, "nothing to encode", nil)
			return
		}
		p.result(differs, name, fmt.Sprintf("the reference writes nothing, gobtf %d bytes", len(b)), nil)
	case wrote:
		a, err := os.ReadFile(want.path)
		if err != nil {
			p.result(differs, name, err.Error(), nil)
			return
		}
		if !bytes.Equal(a, b) && unrelocated(file, a, b) {
			p.result(garbage, name, "the reference does not relocate it", nil)
			return
		}
		if !bytes.Equal(a, b) {
			p.result(differs, name, "bytes differ (- and A: the reference, + and B: gobtf)", p.difference(base, want.path, got))
			return
		}
		p.result(equal, name, fmt.Sprintf("%d bytes", len(b)), nil)
	}
}

// difference says in what two files differ, whose bytes do.
func (p *parity) difference(base, a, b string) []byte {
	said, err := p.meanings.Bytes(base, a, b)
	if err != nil {
		return []byte(err.Error())
	}
	return []byte(said)
}

// meaning compares the default split output with the quirks output on the same base, in meaning, and keeps both sizes and that of the
// .BTF which the module came with.
func (p *parity) meaning(file, base, name string, flags []string) {
	dir, remove, err := p.temp()
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	defer remove()
	own, quirks := filepath.Join(dir, "own.btf"), filepath.Join(dir, "quirks.btf")
	flags = append([]string{"--btf_base=" + base, file}, flags...)
	for to, more := range map[string][]string{own: nil, quirks: {"--pahole_quirks"}} {
		if err := p.own(append(append(more, "--btf_encode_detached="+to), flags...)...); err != nil {
			p.result(differs, name, err.Error(), nil)
			return
		}
	}
	said, err := p.meanings.Differ(base, own, quirks)
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	if said != "" {
		p.result(differs, name, "not equal in meaning to the quirks output", []byte(said))
		return
	}
	shipped, err := sections(file)
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	size, sizeQuirks := fileSize(own), fileSize(quirks)
	p.mu.Lock()
	p.sizes.add(size, int64(len(shipped[".BTF"])), sizeQuirks)
	p.mu.Unlock()
	p.result(equal, name, fmt.Sprintf("%d bytes, the package's %d", size, len(shipped[".BTF"])), nil)
}

// inPlace compares the section that -J puts into a module with what gobtf writes beside it. Every other section that is loaded must
// keep its bytes, and binutils must find nothing wrong.
func (p *parity) inPlace(file, base, name string, flags []string) {
	dir, remove, err := p.temp()
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	defer remove()
	ko, own, stripped := filepath.Join(dir, "x.ko"), filepath.Join(dir, "own.btf"), filepath.Join(dir, "stripped.ko")
	why := func() error {
		if err := copyFile(ko, file); err != nil {
			return err
		}
		flags := append([]string{"--btf_base=" + base}, flags...)
		if err := p.own(append([]string{"--btf_encode_detached=" + own, file}, flags...)...); err != nil {
			return err
		}
		if err := p.own(append([]string{"-J", ko}, flags...)...); err != nil {
			return err
		}
		was, err := sections(file)
		if err != nil {
			return err
		}
		is, err := sections(ko)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(own)
		if err != nil {
			return err
		}
		if !bytes.Equal(is[".BTF"], want) {
			return errors.New("the section differs from the detached output")
		}
		for s, b := range was {
			if s != ".BTF" && s != ".shstrtab" && !bytes.Equal(b, is[s]) {
				return fmt.Errorf("section %s is not what it was", s)
			}
		}
		for _, argv := range [][]string{{"strip", "--strip-debug", "-o", stripped, ko}, {"readelf", "-a", "-W", ko}} {
			cmd := exec.Command(argv[0], argv[1:]...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Run(); err != nil || errs.Len() > 0 {
				return fmt.Errorf("%s complains: %v %s", argv[0], err, errs.Bytes())
			}
		}
		return nil
	}()
	if why != nil {
		p.result(differs, name, why.Error(), nil)
		return
	}
	p.result(equal, name, fmt.Sprintf("%d bytes", fileSize(own)), nil)
}

// distilled compares both sections that distilled_base writes into the module itself. Without --pahole_quirks they may not be larger.
func (p *parity) distilled(file, base, name string, flags []string) {
	dir, remove, err := p.temp()
	if err != nil {
		p.result(differs, name, err.Error(), nil)
		return
	}
	defer remove()
	in := func(s string) string { return filepath.Join(dir, s) }
	args := append([]string{"-J", "--btf_features=distilled_base", "--btf_base=" + base}, flags...)
	text, s, err := func() (string, state, error) {
		// The package's own BTF is on another base.
		if out, err := exec.Command("objcopy", "-R", ".BTF", file, in("ref.ko")).CombinedOutput(); err != nil {
			return "", differs, fmt.Errorf("objcopy: %w: %s", err, out)
		}
		for _, to := range []string{"own.ko", "default.ko"} {
			if err := copyFile(in(to), in("ref.ko")); err != nil {
				return "", differs, err
			}
		}
		ref := exec.Command(p.ref.path, append(args, in("ref.ko"))...)
		ref.Env = append(os.Environ(), "LLVM_OBJCOPY=objcopy")
		if out, err := ref.CombinedOutput(); err != nil {
			return "", differs, fmt.Errorf("the reference fails: %s", lastLine(out))
		}
		if err := p.own(append(args, "--pahole_quirks", in("own.ko"))...); err != nil {
			return "", differs, err
		}
		if err := p.own(append(args, in("default.ko"))...); err != nil {
			return "", differs, err
		}
		var all [3]map[string][]byte
		for i, f := range []string{"ref.ko", "own.ko", "default.ko"} {
			if all[i], err = sections(in(f)); err != nil {
				return "", differs, err
			}
		}
		want, plain := 0, 0
		for _, sec := range []string{".BTF", ".BTF.base"} {
			a, b, c := all[0][sec], all[1][sec], all[2][sec]
			switch {
			case a == nil:
				return "", differs, fmt.Errorf("the reference wrote no %s", sec)
			case !bytes.Equal(a, b):
				return "", differs, fmt.Errorf("%s differs", sec)
			case c == nil:
				return "", differs, fmt.Errorf("no %s without --pahole_quirks", sec)
			}
			want, plain = want+len(a), plain+len(c)
		}
		if plain > want {
			return "", differs, fmt.Errorf("%d bytes without --pahole_quirks, with it %d", plain, want)
		}
		return fmt.Sprintf("%d bytes, without --pahole_quirks %d", want, plain), equal, nil
	}()
	if err != nil {
		text = err.Error()
	}
	p.result(s, name, text, nil)
}

// sections reads all sections of a file by debug/elf: what gobtf wrote must not be judged by gobtf's own reader.
func sections(path string) (map[string][]byte, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	m := map[string][]byte{}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NULL || s.Type == elf.SHT_NOBITS || m[s.Name] != nil {
			continue
		}
		b, err := io.ReadAll(io.NewSectionReader(s.ReaderAt, 0, int64(s.FileSize)))
		if err != nil {
			return nil, fmt.Errorf("%s: section %s: %w", path, s.Name, err)
		}
		m[s.Name] = b
	}
	return m, nil
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

func fileSize(path string) int64 {
	if fi, err := os.Stat(path); err == nil {
		return fi.Size()
	}
	return 0
}

// sizes adds up what all modules take.
type sizes struct{ own, shipped, quirks int64 }

func (s *sizes) add(own, shipped, quirks int64) {
	s.own, s.shipped, s.quirks = s.own+own, s.shipped+shipped, s.quirks+quirks
}

// print reports whether the default split output is at most 2 % larger than what the package has.
func (s *sizes) print(w io.Writer) bool {
	if s.own == 0 {
		return true
	}
	if s.shipped == 0 {
		fmt.Fprintf(w, "default split: %d bytes in all, with --pahole_quirks %d; the package's modules have no .BTF\n", s.own, s.quirks)
		return true
	}
	fmt.Fprintf(w, "default split: %d bytes in all, the package's own %d (%+.1f %%), with --pahole_quirks %d\n",
		s.own, s.shipped, 100*float64(s.own)/float64(s.shipped)-100, s.quirks)
	if s.own*100 > s.shipped*102 {
		fmt.Fprintln(w, "DIFF  default split: more than the package's own plus 2 %")
		return false
	}
	return true
}
