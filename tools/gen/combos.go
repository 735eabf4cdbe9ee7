package main

import "strings"

// A combo is one compiler with flags. Machine is ld's emulation, "" its own; cross objects are linked by lld.
type combo struct {
	CC, Flags string
	LTO       bool
	LD        string // more flags of the linker
}

func (c combo) name() string { return c.CC + " " + c.Flags }
func (c combo) clang() bool  { return strings.HasPrefix(c.CC, "clang") }

// combos is the matrix; a compiler that is not there is left out, and said so.
var combos = []combo{
	{CC: "gcc-11", Flags: "-O2 -gdwarf-4"},
	{CC: "clang-14", Flags: "-O2 -gdwarf-4"},
	{CC: "gcc-12", Flags: "-O2 -gdwarf-5"},
	{CC: "clang-15", Flags: "-O0 -gdwarf-5"},
	{CC: "gcc-13", Flags: "-O3 -gdwarf-5 -gz=zlib", LD: "--compress-debug-sections=zlib"},
	{CC: "clang-16", Flags: "-O1 -gdwarf-3"},
	{CC: "gcc-14", Flags: "-O2 -gdwarf-5 -ffunction-sections -fdata-sections"},
	{CC: "clang-17", Flags: "-O2 -gdwarf-5 -gdwarf64"},
	{CC: "gcc-15", Flags: "-O1 -gdwarf-5 -gdwarf64"},
	{CC: "clang-18", Flags: "-O3 -gdwarf-5 -fstandalone-debug"},
	{CC: "gcc-16", Flags: "-O2 -gdwarf-5"},
	{CC: "clang-19", Flags: "-O2 -gdwarf-5 -flto", LTO: true},
	{CC: "gcc-16", Flags: "-O2 -gdwarf-5 -flto", LTO: true},
	{CC: "clang-21", Flags: "-O2 -gdwarf-5 --target=aarch64-linux-gnu"},
	{CC: "gcc-11", Flags: "-O0 -gdwarf-2 -gstrict-dwarf -m32"},
	{CC: "clang-22", Flags: "-O2 -gdwarf-5 --target=s390x-linux-gnu"},
	{CC: "gcc-14", Flags: "-Os -gdwarf-3"},
	{CC: "clang-22", Flags: "-O2 -gdwarf-4 --target=arm-linux-gnueabihf"},
	{CC: "gcc-13", Flags: "-O2 -gdwarf-4 -fno-eliminate-unused-debug-types"},
	{CC: "clang-23", Flags: "-O2 -gdwarf-5"},
	{CC: "gcc-15", Flags: "-O2 -gdwarf-4 -m32"},
	{CC: "clang-23", Flags: "-O1 -gdwarf-5 --target=riscv64-linux-gnu"},
	{CC: "gcc-16", Flags: "-O3 -gdwarf-5 -gz=zstd", LD: "--compress-debug-sections=zstd"},
	{CC: "clang-19", Flags: "-O2 -gdwarf-5 -flto=thin", LTO: true},
	{CC: "gcc-12", Flags: "-O0 -gdwarf-4"},
	{CC: "clang-21", Flags: "-O2 -gdwarf-5 --target=powerpc64le-linux-gnu"},
	{CC: "gcc-14", Flags: "-O2 -gdwarf-4 -flto", LTO: true},
	{CC: "clang-22", Flags: "-O2 -gdwarf-5 -m32"},
}

// features is what both programs are called with. The first three are for every linked file.
var features = []string{
	"--btf_features=default",
	"--btf_features=all",
	"-j2 --lang_exclude=rust --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs",
	"--btf_gen_floats --skip_encoding_btf_inconsistent_proto --btf_gen_optimized",
	"--skip_encoding_btf_enum64 --skip_encoding_btf_type_tag --skip_encoding_btf_decl_tag --btf_encode_force",
	"--btf_features=encode_force,var,global_var,float,enum64,true_signature",
	"--btf_features=encode_force,var,float,consistent_func,force_cu_merging",
	"--btf_features=encode_force,float,decl_tag,fixup --fixup_silly_bitfields",
	"-j2",
}

const kbuild = 2 // its place in features
