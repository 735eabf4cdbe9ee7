package verify

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Kernel is a version of Linux. The zero value is the newest that this package knows.
type Kernel struct{ Major, Minor int }

// Newest is the newest kernel whose rules are known; later ones are taken to be like it.
var Newest = Kernel{7, 2}

// Oldest is the first kernel that can have BTF of its own (CONFIG_DEBUG_INFO_BTF).
var Oldest = Kernel{5, 2}

// String is "6.12".
func (k Kernel) String() string {
	if k == (Kernel{}) {
		k = Newest
	}
	return fmt.Sprintf("%d.%d", k.Major, k.Minor)
}

// Before tells whether k is older than major.minor.
func (k Kernel) Before(major, minor int) bool {
	if k == (Kernel{}) {
		k = Newest
	}
	return k.Major < major || k.Major == major && k.Minor < minor
}

// ParseKernel reads a version ("6.12", "6.12.117-rt", a release as uname -r prints it), or "running".
func ParseKernel(s string) (Kernel, error) {
	if s == "running" {
		data, err := os.ReadFile("/proc/sys/kernel/osrelease")
		if err != nil {
			return Kernel{}, fmt.Errorf("which kernel runs is not known: %w", err)
		}
		s = strings.TrimSpace(string(data))
	}
	major, rest, ok := strings.Cut(s, ".")
	minor := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil || a < 4 || a > 99 || b > 99 {
		return Kernel{}, fmt.Errorf("%q is no version of Linux", s)
	}
	return Kernel{a, b}, nil
}

// rules are what differs between kernels.
type rules struct {
	maxKind    btf.Kind
	infoMask   uint32 // bits of the info word that may be set
	vlenMask   uint32
	kindMask   uint32 // behind 24 bits
	nameLen    int    // of identifiers and section names, without their end: the kernel's buffers of that size need no end
	dots       bool   // in all identifiers; before, in those of variables only
	anySection bool   // any printable character in names of sections
	enumSign   bool   // kind_flag of an ENUM
	tagKflag   bool   // kind_flag of tags
	tagOrder   bool   // no tag behind another modifier
	chainLimit bool   // of 32 modifiers
	layout     bool   // a header of 32 bytes with a layout section
}

func (k Kernel) rules() rules {
	r := rules{
		maxKind: btf.Enum64, infoMask: 0x9f00ffff, vlenMask: 0xffff, kindMask: 0x1f, nameLen: 512,
		dots: !k.Before(6, 6), anySection: !k.Before(6, 11), enumSign: !k.Before(6, 0), tagKflag: !k.Before(6, 15),
		tagOrder: !k.Before(5, 18) && k.Before(7, 1), chainLimit: !k.Before(6, 12), layout: !k.Before(7, 1),
	}
	switch {
	case k.Before(5, 13):
		r.maxKind = btf.Datasec
	case k.Before(5, 16):
		r.maxKind = btf.Float
	case k.Before(5, 17):
		r.maxKind = btf.DeclTag
	case k.Before(6, 0):
		r.maxKind = btf.TypeTag
	}
	if k.Before(6, 1) {
		r.nameLen = 128
	}
	if r.layout {
		r.infoMask, r.vlenMask, r.kindMask = 0xffffffff, 0xffffff, 0x7f
	}
	return r
}

// kindSince tells which kernel was the first that knows a kind.
func kindSince(k btf.Kind) string {
	switch k {
	case btf.Float:
		return "since 5.13"
	case btf.DeclTag:
		return "since 5.16"
	case btf.TypeTag:
		return "since 5.17"
	case btf.Enum64:
		return "since 6.0"
	default: // other kinds: every kernel that has BTF knows them
		return ""
	}
}
