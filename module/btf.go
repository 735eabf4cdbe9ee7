package module

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/filekind"
)

// BTF is what a file has of BTF: all of it, or an ELF file's sections. It is not parsed yet, since split BTF needs its base for that.
type BTF struct {
	Path    string
	Own     []byte
	Base    []byte // .BTF.base; nil when there is none
	Release string // of the kernel that a module was built for, as its vermagic says it; "" when nothing says it
	ELF     bool
}

// ErrNoBTF: an ELF file without a .BTF section, or a file that is neither ELF nor BTF.
var ErrNoBTF = errors.New("has no BTF")

// ReadBTF reads the BTF of a file: BTF as such, or an ELF file with .BTF, either of them compressed or not, or an image to boot from (vmlinuz).
func ReadBTF(path string) (*BTF, error) {
	m, err := elfx.MapBTF(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if !bytes.HasPrefix(m.Data, []byte("\x7fELF")) {
		if !filekind.IsBTF(m.Data) {
			return nil, fmt.Errorf("%s: %w", path, filekind.Neither(m.Data, ErrNoBTF))
		}
		return &BTF{Path: path, Own: bytes.Clone(m.Data)}, nil
	}
	e, err := elfx.FromMapping(path, m)
	if err != nil {
		return nil, err
	}
	f := FromELF(e)
	own, base, err := f.BTF()
	if err != nil {
		return nil, err
	}
	if own == nil {
		return nil, fmt.Errorf("%s: %w: there is no section .BTF", path, ErrNoBTF)
	}
	b := &BTF{Path: path, Own: bytes.Clone(own), Base: bytes.Clone(base), ELF: true} // the file is closed before they are looked at
	b.Release, err = f.Release()
	return b, err
}

// Split tells whether this can only be split BTF. What says no may be split too, when it brings no string of its own.
func (b *BTF) Split() bool {
	h, err := btf.ParseHeader(b.Own)
	if err != nil || h.StrLen == 0 {
		return err == nil && h.TypeLen > 0
	}
	return b.Own[h.Len+h.StrOff] != 0
}

// Parse reads the types. base is what split BTF continues. Types on a .BTF.base stay on it.
func (b *BTF) Parse(base *btf.Types) (*btf.Types, error) {
	if b.Base != nil {
		small, err := btf.Parse(b.Base, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: .BTF.base: %w", b.Path, err)
		}
		base = small
	}
	t, err := btf.Parse(b.Own, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Path, err)
	}
	return t, nil
}

// inKernel finds the folder of a kernel in a path: what stands in front of it, and the kernel's release.
var inKernel = regexp.MustCompile(`^(.*?)/?(?:usr/)?lib(?:/debug)?(?:/usr)?(?:/lib)?/modules/([^/]+)/`)

// Bases lists the files that may be the base of this split BTF.
func (b *BTF) Bases() []string { return Bases(b.Path, b.Release) }

// ReleaseOf returns the release of the kernel whose folder a path is in (.../lib/modules/RELEASE/...), "" when it is in none.
func ReleaseOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if m := inKernel.FindStringSubmatch(path); m != nil {
		return m[2]
	}
	return ""
}

// Bases lists the files that may be what a module's split BTF continues, the likeliest first: a vmlinux in a folder above it, as in
// /sys/kernel/btf, a kernel's build or a debug package that is unpacked, and where distributions put the vmlinux of a release. Only
// those that are there are listed. release is the one that the module was built for, "" when nothing says it.
func Bases(path, release string) []string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	var list []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		list = append(list, filepath.Join(dir, "vmlinux"), filepath.Join(dir, "build", "vmlinux"))
		if dir == filepath.Dir(dir) {
			break
		}
	}
	root := "/"
	if m := inKernel.FindStringSubmatch(path); m != nil {
		root, release = m[1]+"/", m[2]
	}
	list = append(list, kernelFiles(root, release)...)
	return existing(list, path)
}

// KernelBases lists the files below root ("/": this machine) that may have the BTF of a kernel's release, the likeliest first. Only those that
// are there are listed.
func KernelBases(root, release string) []string { return existing(kernelFiles(root, release), "") }

// ReadKernelBase reads the first of them that has BTF, and returns its path as well. Where none has, the error is of the first, or
// ErrNoKernelBTF.
//
// cache may be nil, and knows bases that were read before.
func ReadKernelBase(root, release string, cache btf.BaseCache) (base *btf.Base, path string, err error) {
	err = fmt.Errorf("kernel %s: %w", release, ErrNoKernelBTF)
	for i, p := range KernelBases(root, release) {
		b, e := ReadBaseCached(p, cache)
		if e == nil {
			return b, p, nil
		}
		if i == 0 {
			err = e
		}
	}
	return nil, "", err
}

// ErrNoKernelBTF: nothing that has the BTF of a kernel's release was found.
var ErrNoKernelBTF = errors.New("no BTF of it is here, neither in its image (/boot/vmlinuz-RELEASE) nor with its headers or debug package")

// kernelFiles are the places below root where the BTF of a kernel may be: the running kernel's own, what its headers or its debug package
// have, and last the image that it is booted from, which has to be unpacked.
func kernelFiles(root, release string) []string {
	if release == "" {
		return nil
	}
	var list []string
	if running, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil && root == "/" && strings.TrimSpace(string(running)) == release {
		list = append(list, "/sys/kernel/btf/vmlinux")
	}
	for _, p := range []string{
		"lib/modules/%s/build/vmlinux", "usr/lib/modules/%s/build/vmlinux",
		"usr/lib/debug/boot/vmlinux-%s", "boot/vmlinux-%s", "usr/lib/debug/lib/modules/%s/vmlinux", "lib/modules/%s/vmlinux", "usr/lib/modules/%s/vmlinux",
		"boot/vmlinuz-%s", "lib/modules/%s/vmlinuz", "usr/lib/modules/%s/vmlinuz",
	} {
		list = append(list, filepath.Join(root, fmt.Sprintf(p, release)))
	}
	return list
}

// existing returns the regular files of a list, each once and without the file itself.
func existing(list []string, itself string) []string {
	var there []string
	seen := map[string]bool{itself: true}
	for _, p := range list {
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() && !seen[p] {
			there = append(there, p)
		}
		seen[p] = true
	}
	return there
}
