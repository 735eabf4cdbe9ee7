package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// request says who asks for standalone BTF, and for which form; auto is not chosen yet.
type request struct {
	form encoder.Form
	auto bool
	by   string // for messages; "" nobody asks
}

// standaloneRequest looks whether standalone BTF is asked for: by the option, by GOBTF_STANDALONE, by BTF_BASE= on make's
// command line or in its environment.
func standaloneRequest(c *line, lookup func(string) (string, bool)) (request, error) {
	word, by := "", ""
	if c.Has("standalone") {
		word, by = c.String("standalone"), "--standalone"
	} else if v, _ := lookup("GOBTF_STANDALONE"); v != "" && v != "0" {
		word, by = v, "GOBTF_STANDALONE"
		if v == "1" {
			word = "auto"
		}
	}
	switch form, ok := encoder.ParseForm(word); {
	case by == "":
	case word == "" || word == "auto":
		return request{auto: true, by: by}, nil
	case ok:
		return request{form: form, by: by}, nil
	default:
		return request{}, usagef("%s: %q is not auto, raw, shifted or portable", by, word)
	}
	if v, ok := lookup("BTF_BASE"); ok && v == "" {
		return request{auto: true, by: "BTF_BASE= in the environment"}, nil
	}
	if flags, _ := lookup("MAKEFLAGS"); emptyInMakeflags(flags, "BTF_BASE") {
		return request{auto: true, by: "make BTF_BASE="}, nil
	}
	return request{}, nil
}

// emptyInMakeflags tells whether make was given NAME= on its command line. MAKEFLAGS has the variables behind " -- ", as
// they were given, with blanks in values escaped by a backslash, and of several definitions the last (make 4.3).
func emptyInMakeflags(flags, name string) bool {
	words := strings.Builder{}
	var list []string
	flush := func() {
		if words.Len() > 0 {
			list = append(list, words.String())
			words.Reset()
		}
	}
	for i := 0; i < len(flags); i++ {
		switch c := flags[i]; {
		case c == '\\' && i+1 < len(flags):
			i++
			words.WriteByte(c)
			words.WriteByte(flags[i])
		case c == ' ' || c == '\t':
			flush()
		default:
			words.WriteByte(c)
		}
	}
	flush()
	for i, w := range list {
		if w != "--" {
			continue
		}
		for _, w := range list[i+1:] {
			if w == name+"=" || w == name+":=" {
				return true
			}
		}
		break
	}
	return false
}

// release is a kernel's version and patch level; the zero value is not known.
type release struct{ major, minor int }

func (r release) known() bool { return r.major > 0 }

func (r release) before(major, minor int) bool {
	return r.major < major || r.major == major && r.minor < minor
}

func (r release) String() string { return fmt.Sprintf("%d.%d", r.major, r.minor) }

// parseRelease reads "6.12.117+deb13-cloud-amd64".
func parseRelease(s string) (r release) {
	major, rest, _ := strings.Cut(s, ".")
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	var err error
	if r.major, err = strconv.Atoi(major); err != nil {
		return release{}
	}
	if r.minor, err = strconv.Atoi(rest[:n]); err != nil {
		return release{}
	}
	return r
}

// kernelRelease returns the kernel that is being built for: kbuild says it in the environment, a module in its vermagic. f may be nil.
func kernelRelease(lookup func(string) (string, bool), f *module.File) release {
	v, _ := lookup("VERSION")
	p, _ := lookup("PATCHLEVEL")
	if r := parseRelease(v + "." + p); r.known() {
		return r
	}
	s, _ := lookup("KERNELRELEASE")
	if r := parseRelease(s); r.known() {
		return r
	}
	if f == nil {
		return release{}
	}
	s, _ = f.Release() // a section that cannot be read is reported when the file is encoded
	return parseRelease(s)
}

// circumstances are what the choice of a form depends on.
type circumstances struct {
	base, detached bool
	distilled      bool // distilled_base is among the features, or kbuild would add it
	files          bool // the flow of 7.x: gen-btf.sh calls resolve_btfids on a detached file
	kernel         release
}

// choose returns the form that survives the rest of the build and loads on the kernel, and why.
// Rule forms/choice.
func choose(c circumstances) (form encoder.Form, share bool, why string) {
	switch {
	case !c.base:
		return encoder.Raw, false, "no base was given, so it refers to itself alone: for kernels with the BTF_BASE patch, and for tools"
	case c.detached && (c.files || !c.kernel.known() || !c.kernel.before(7, 0)):
		return encoder.Shifted, true, "resolve_btfids distills it to a base of its INTs: it loads on any vmlinux of 6.11 and later"
	case c.detached:
		return encoder.Shifted, false, "a detached file has no place for .BTF.base: it loads on this vmlinux only; gobtf rebase moves it to another"
	case c.distilled:
		return encoder.Portable, false, "this kernel takes .BTF.base: it loads on any vmlinux of 6.11 and later"
	case c.kernel.known() && !c.kernel.before(6, 11):
		return encoder.Portable, false, "kernel " + c.kernel.String() + " takes .BTF.base: it loads on any vmlinux of 6.11 and later"
	case c.kernel.known():
		return encoder.Shifted, false, "kernel " + c.kernel.String() + " is older than 6.11, where no form survives another vmlinux; gobtf rebase moves it to one"
	}
	return encoder.Shifted, false, "the kernel is not known, and before 6.11 no form survives another vmlinux; gobtf rebase moves it to one (--standalone=portable is for 6.11 and later)"
}

// applyStandalone settles the form of the output. note is one line that says which it is and why, empty when nobody asks.
func applyStandalone(c *line, req request, opt *encoder.Options, f *module.File) (note string, err error) {
	if req.by == "" {
		return "", nil
	}
	if c.String("btf_base") == "" && !f.Relocatable() {
		return "", nil // vmlinux, when it and its modules are built in one go: it is standalone, and the forms are for modules
	}
	at := circumstances{base: c.String("btf_base") != "", detached: c.String("btf_encode_detached") != "", distilled: opt.Features.Has(encoder.DistilledBase)}
	if flags := os.Getenv("MODULE_PAHOLE_FLAGS"); strings.Contains(flags, "distilled_base") {
		at.distilled = true
	}
	_, at.files = os.LookupEnv("RESOLVE_BTFIDS_FLAGS")
	at.kernel = release{opt.Kernel.Major, opt.Kernel.Minor}
	at.distilled = at.distilled && !(opt.Targeted && at.kernel.before(6, 11))
	why := "as asked for"
	opt.Form = req.form
	if req.auto {
		opt.Form, opt.ShareScalars, why = choose(at)
	}
	if opt.Form == encoder.Shifted && at.detached && at.files {
		opt.ShareScalars = true // or there would be nothing to distill, and kernels refuse an empty base
	}
	dropped := ""
	if opt.Features.Has(encoder.DistilledBase) {
		opt.Features &^= encoder.DistilledBase
		dropped = "; distilled_base is dropped"
	}
	switch {
	case opt.Form == encoder.Shifted && !at.base:
		return "", errors.New("--standalone=shifted: there is no base to shift to: give --btf_base")
	case opt.Form == encoder.Portable && opt.Targeted && at.kernel.before(6, 11):
		return "", fmt.Errorf("--standalone=portable: kernel %v, the target, takes no .BTF.base", at.kernel)
	case opt.Form == encoder.Portable && at.detached:
		return "", errors.New("--standalone=portable: a detached file has no place for .BTF.base")
	}
	return fmt.Sprintf("%s: standalone BTF (%s), %v form: %s%s", f.Path(), req.by, opt.Form, why, dropped), nil
}
