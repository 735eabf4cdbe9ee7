package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// way is one manner of building a kernel: a row of the matrix, less the kernel.
type way struct {
	name, title string
	arch        string                          // kbuild's ARCH; "" is x86_64
	cross       string                          // CROSS_COMPILE
	llvm        bool                            // LLVM=1
	config      []string                        // what it adds to tinyconfig and scripts/e2e/matrix.config; every line must have taken effect
	from        string                          // the way whose finished tree this one begins with; "" begins with nothing
	kernels     []string                        // series it is tried on when none is asked for; nil is only 6.12
	since       string                          // the first series that has what it needs
	needs       []need                          // packages
	prepare     func(c *cell) ([]string, error) // fetches what is no package of this machine, and returns words for make
	steps       func(c *cell) error
}

// need is a command or file, and Debian's package that has it.
type need struct{ file, pkg string }

// llvmVersion is the newest LLVM that both Debian 12 and 13 have.
const llvmVersion = "19"

var (
	everywhere = []string{"5.10", "6.1", "6.12", "7"}

	// Every kernel wants these. The compilers' files are looked for where Debian has them.
	baseNeeds = []need{{"/usr/bin/make", "make"}, {"/usr/bin/gcc", "gcc"}, {"/usr/include/stdlib.h", "libc6-dev"}, {"/usr/bin/objcopy", "binutils"},
		{"/usr/bin/flex", "flex"}, {"/usr/bin/bison", "bison"}, {"/usr/bin/bc", "bc"}, {"/usr/bin/xz", "xz-utils"}, {"/usr/include/gelf.h", "libelf-dev"},
		{"/usr/bin/perl", "perl"}, {"/usr/bin/ccache", "ccache"}}
	amd64Needs = []need{{"/usr/bin/qemu-system-x86_64", "qemu-system-x86"}, {"/bin/busybox", "busybox-static"}}

	llvmNeeds  = []need{{"/usr/bin/clang-" + llvmVersion, "clang-" + llvmVersion}, {"/usr/bin/ld.lld-" + llvmVersion, "lld-" + llvmVersion}, {"/usr/bin/llvm-objcopy-" + llvmVersion, "llvm-" + llvmVersion}}
	arm64Needs = []need{{"/usr/bin/qemu-system-aarch64", "qemu-system-arm"}}
	dwarfNeeds = []need{{"/usr/include/dwarf.h", "libdw-dev"}}
	signNeeds  = []need{{"/usr/include/openssl/evp.h", "libssl-dev"}, {"/usr/bin/openssl", "openssl"}, {"/usr/bin/xz", "xz-utils"}, {"/usr/bin/zstd", "zstd"}, {"/sbin/depmod", "kmod"}}
)

// ways is the list of all of them, in the order in which they are tried. Those that begin with another's tree come behind it.
var ways = []way{
	{name: "gcc", title: "gcc, GNU ld, DWARF 5, `O=`", kernels: everywhere},
	{name: "j1", title: "`make -j1`", from: "gcc", steps: again("-j1")},
	{name: "jobserver", title: "under a jobserver (`make -j2` above it)", from: "gcc", steps: underJobserver},
	{name: "silent", title: "`make -s`", from: "gcc", steps: silent},
	{name: "verbose", title: "`make V=1`", from: "gcc", steps: verbose},
	{name: "timestamp", title: "`KBUILD_BUILD_TIMESTAMP`, two builds: equal bytes", from: "gcc", kernels: []string{"6.12", "7"}, steps: twice},
	{name: "sign-xz", title: "`MODULE_SIG`, `MODULE_COMPRESS_XZ`, `modules_install`", from: "gcc", config: signed("XZ"), needs: signNeeds, steps: installed(".xz")},
	{name: "sign-zstd", title: "`MODULE_SIG`, `MODULE_COMPRESS_ZSTD`, `modules_install`", from: "sign-xz", config: signed("ZSTD"), needs: signNeeds, steps: installed(".zst")},
	{name: "sign-gzip", title: "`MODULE_SIG`, `MODULE_COMPRESS_GZIP`, `modules_install`", from: "sign-zstd", config: signed("GZIP"), needs: signNeeds, steps: installed(".gz")},
	{name: "bindeb-pkg", title: "`make bindeb-pkg`", from: "gcc", needs: []need{{"/usr/bin/dh_prep", "debhelper"}, {"/usr/bin/cpio", "cpio"}, {"/usr/bin/rsync", "rsync"}, {"/sbin/depmod", "kmod"}}, steps: debPackage},
	{name: "rpm-pkg", title: "`make binrpm-pkg`", from: "gcc", needs: []need{{"/usr/bin/rpmbuild", "rpm"}, {"/usr/bin/rpm2cpio", "rpm2cpio"}, {"/usr/bin/cpio", "cpio"}, {"/sbin/depmod", "kmod"}}, steps: rpmPackage},
	{name: "incremental", title: "in the source tree, then one changed file", steps: incremental},
	{name: "external", title: "external modules in every form, on this build and another", kernels: []string{"6.1", "6.12", "7"}, since: "5.11", steps: external},
	// Two in one cell, to save a build: the options have nothing to do with each other.
	{name: "dwarf4-zlib", title: "DWARF 4, `DEBUG_INFO_COMPRESSED_ZLIB`", config: []string{"# CONFIG_DEBUG_INFO_DWARF5 is not set", "CONFIG_DEBUG_INFO_DWARF4=y", "CONFIG_DEBUG_INFO_COMPRESSED_ZLIB=y"}, since: "6.2"},
	{name: "rt-modversions", title: "`PREEMPT_RT`, `MODVERSIONS` (genksyms)", config: []string{"CONFIG_EXPERT=y", "CONFIG_SMP=y", "CONFIG_PREEMPT_RT=y", "CONFIG_MODVERSIONS=y"}, since: "6.12"},
	{name: "gendwarfksyms", title: "`MODVERSIONS` by `GENDWARFKSYMS`", config: []string{"CONFIG_MODVERSIONS=y", "CONFIG_GENDWARFKSYMS=y"}, kernels: []string{"7"}, since: "6.14", needs: dwarfNeeds},
	{name: "llvm", title: "`LLVM=1`", llvm: true, kernels: everywhere},
	{name: "thinlto-cfi", title: "`LLVM=1`, ThinLTO, CFI", llvm: true, kernels: []string{"6.1", "6.12", "7"}, since: "6.1",
		config: []string{"CONFIG_LTO_CLANG_THIN=y", "CONFIG_CFI_CLANG=y"}},
	{name: "zstd", title: "`LLVM=1`, `DEBUG_INFO_COMPRESSED_ZSTD`", llvm: true, config: []string{"CONFIG_DEBUG_INFO_COMPRESSED_ZSTD=y"}, since: "6.2"},
	{name: "arm64", title: "arm64, gcc", arch: "arm64", cross: "aarch64-linux-gnu-", kernels: []string{"6.12", "7"}, needs: append([]need{{"/usr/bin/aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"}}, arm64Needs...)},
	{name: "arm64-llvm", title: "arm64, `LLVM=1`", arch: "arm64", llvm: true, kernels: []string{"6.12", "7"}, needs: arm64Needs},
	{name: "armhf", title: "armhf (32 bits), gcc", arch: "arm", cross: "arm-linux-gnueabihf-", config: []string{"CONFIG_MMU=y", "CONFIG_ARCH_MULTI_V7=y"}, needs: []need{{"/usr/bin/arm-linux-gnueabihf-gcc", "gcc-arm-linux-gnueabihf"}}},
	{name: "s390x", title: "s390x (big endian), gcc", arch: "s390", cross: "s390x-linux-gnu-", needs: []need{{"/usr/bin/s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu"}}},
	{name: "sections", title: "riscv64, `LD_DEAD_CODE_DATA_ELIMINATION`", arch: "riscv", cross: "riscv64-linux-gnu-", since: "6.6",
		config: []string{"CONFIG_EXPERT=y", "CONFIG_LD_DEAD_CODE_DATA_ELIMINATION=y"}, needs: []need{{"/usr/bin/riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu"}}},
	{name: "rust", title: "`RUST=y` with a module in Rust, `MODVERSIONS` by `GENDWARFKSYMS`; rustc and bindgen of Debian sid", kernels: []string{"7"}, since: "6.14", prepare: rust,
		config: []string{"CONFIG_MODVERSIONS=y", "CONFIG_GENDWARFKSYMS=y", "CONFIG_RUST=y", "CONFIG_SAMPLES=y", "CONFIG_SAMPLES_RUST=y", "CONFIG_SAMPLE_RUST_MINIMAL=m"}, needs: dwarfNeeds},
}

// signed is the configuration of signed modules that are compressed at installation.
func signed(how string) []string {
	// SHA-256 is what gobtf signs with unless told.
	c := []string{"CONFIG_MODULE_SIG=y", "CONFIG_MODULE_SIG_ALL=y", "CONFIG_MODULE_SIG_SHA256=y", "# CONFIG_MODULE_SIG_SHA512 is not set", "CONFIG_MODULE_COMPRESS=y"}
	for _, x := range []string{"GZIP", "XZ", "ZSTD"} {
		if x == how {
			c = append(c, "CONFIG_MODULE_COMPRESS_"+x+"=y")
		} else {
			c = append(c, "# CONFIG_MODULE_COMPRESS_"+x+" is not set")
		}
	}
	return c
}

// beginsWith tells whether a way's tree is made of another's, at once or by way of a third.
func (w *way) beginsWith(name string) bool {
	for w.from != "" && w.from != name {
		w, _ = wayNamed(w.from)
	}
	return w.from == name
}

// needs are the packages of one cell.
func (c *cell) needs() []need {
	list := slices.Concat(baseNeeds, c.way.needs)
	if c.way.arch == "" {
		list = append(list, amd64Needs...)
	}
	if c.way.llvm {
		list = append(list, llvmNeeds...)
	}
	return list
}

func wayNamed(name string) (*way, bool) {
	i := slices.IndexFunc(ways, func(w way) bool { return w.name == name })
	if i < 0 {
		return nil, false
	}
	return &ways[i], true
}

// olderThan compares series by their numbers: 5.10 is older than 6.1, and that than 6.12.
func olderThan(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return slices.Compare(x, y) < 0
}

func numbers(series string) (n []int) {
	for _, f := range strings.Split(series, ".") {
		v, _ := strconv.Atoi(f)
		n = append(n, v)
	}
	return n
}

// plan returns the cells to build: those of the given kernels and ways, or without ways those that are tried by default.
func plan(kernels, names []string) (list []*cell, err error) {
	for _, name := range names {
		if _, ok := wayNamed(name); !ok {
			return nil, fmt.Errorf("no way %q; there are: %s", name, strings.Join(wayNames(), " "))
		}
	}
	for _, k := range kernels {
		for i := range ways {
			w := &ways[i]
			tried := w.kernels
			if tried == nil {
				tried = []string{"6.12"}
			}
			if len(names) > 0 && slices.Contains(names, w.name) || len(names) == 0 && slices.Contains(tried, k) {
				list = append(list, &cell{way: w, series: k})
			}
		}
	}
	return list, nil
}

func wayNames() (names []string) {
	for i := range ways {
		names = append(names, ways[i].name)
	}
	return names
}
