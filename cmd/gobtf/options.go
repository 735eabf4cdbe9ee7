package main

import (
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
)

// role says what becomes of an option.
type role uint8

const (
	ignored  role = iota // taken and without effect on BTF
	keep                 // handed on, the last one counts
	feature              // turns features on or off
	list                 // a list of features
	allFeats             // the same as the list "all"
	show                 // prints something at once and ends the run, whatever follows
	showLate             // prints something if nothing before or after it is wrong
	printing             // pahole's own trade
)

// option is the one description of an option that parsing, help, docs and tests go by.
type option struct {
	long    string
	short   byte
	arg     argp.Arg
	role    role
	many    bool // every one counts
	own     bool // not pahole's: it never makes an abbreviation of pahole's ambiguous
	on, off encoder.Features
	value   string // what the argument is called
	help    string // "" is not listed
}

// options are all of pahole 1.32's and then our own. help shows them in this order.
var options = [...]option{
	{long: "btf_encode", short: 'J', role: keep, help: "encode BTF into the file itself"},
	{long: "btf_encode_detached", arg: argp.Required, role: keep, value: "FILE", help: "encode BTF into `FILE`, leave the input as it is"},
	{long: "btf_base", arg: argp.Required, role: keep, value: "FILE", help: "split BTF on `FILE` (BTF, or ELF with .BTF); empty: standalone"},
	{long: "jobs", short: 'j', arg: argp.Optional, role: keep, value: "N", help: "`N` workers; without a number chosen from the input's size"},
	{long: "btf_features", arg: argp.Required, role: list, value: "LIST", help: "features in `LIST` (default, all, +more), unknown ones ignored"},
	{long: "features", arg: argp.Required, role: list, value: "LIST", help: "as --btf_features=`LIST`"},
	{long: "btf_features_strict", arg: argp.Required, role: list, value: "LIST", help: "as --btf_features, but a name in `LIST` that is unknown is an error"},
	{long: "supported_btf_features", role: show, help: "print the features"},
	{long: "btf_gen_all", role: allFeats, help: "the features \"all\""},
	{long: "btf_encode_force", role: feature, on: encoder.EncodeForce, help: "feature encode_force"},
	{long: "btf_gen_floats", role: feature, on: encoder.Float, help: "feature float"},
	{long: "btf_gen_optimized", role: feature, on: encoder.OptimizedFunc, help: "feature optimized_func"},
	{long: "btf_attributes", role: feature, on: encoder.Attributes, help: "feature attributes"},
	{long: "reproducible_build", role: feature, on: encoder.ReproducibleBuild, help: "feature reproducible_build"},
	{long: "skip_encoding_btf_inconsistent_proto", role: feature, on: encoder.ConsistentFunc, help: "feature consistent_func"},
	{long: "skip_encoding_btf_vars", role: feature, off: encoder.Var, help: "not feature var"},
	{long: "skip_encoding_btf_decl_tag", role: feature, off: encoder.DeclTag, help: "not feature decl_tag"},
	{long: "skip_encoding_btf_type_tag", role: feature, off: encoder.TypeTag, help: "not feature type_tag"},
	{long: "skip_encoding_btf_enum64", role: feature, off: encoder.Enum64, help: "not feature enum64"},
	{long: "lang", arg: argp.Required, role: keep, value: "LIST", help: "only units in the languages of `LIST`"},
	{long: "lang_exclude", arg: argp.Required, role: keep, value: "LIST", help: "no units in the languages of `LIST`"},
	{long: "cu_exclude", short: 'X', arg: argp.Required, role: keep, value: "PREFIX", help: "no units whose name starts with `PREFIX`"},
	{long: "kabi_prefix", arg: argp.Required, role: keep, value: "PREFIX", help: "names that start with `PREFIX` become just that"},
	{long: "fixup_silly_bitfields", role: keep, help: "int x:32 is an int"},
	{long: "format_path", short: 'F', arg: argp.Required, role: keep, value: "LIST", help: "`LIST` must have dwarf in it"},
	{long: "hashbits", arg: argp.Required, role: keep, value: "N", help: "`N` below 32, without effect"},
	{long: "verbose", short: 'V', role: keep, help: "print every type, and why functions are skipped"},
	{long: "quiet", short: 'q', role: ignored},
	{long: "first_obj_only", role: ignored},
	{long: "version", role: show, help: "print the version of pahole that gobtf stands in for"},
	{long: "numeric_version", role: showLate, help: "print it as a number: 132"},
	{long: "devel_version", role: showLate, help: "print it with its origin"},
	{long: "help", short: '?', role: show, help: "this text"},
	{long: "usage", role: show},

	// gobtf's own.
	{long: "pahole_quirks", own: true, role: keep, help: "split BTF with pahole 1.32's defects, byte for byte (docs/quirks.md)"},
	{long: "strict", own: true, role: keep, help: "no DWARF, or everything filtered, is a failure"},
	{long: "strip_signature", own: true, role: keep, help: "drop a module's signature, which new BTF would break"},
	{long: "sign_key", own: true, arg: argp.Required, role: keep, value: signKeyOption.Value, help: signKeyOption.Help},
	{long: "sign_cert", own: true, arg: argp.Required, role: keep, value: signCertOption.Value, help: signCertOption.Help},
	{long: "sign_hash", own: true, arg: argp.Required, role: keep, value: signHashOption.Value, help: signHashOption.Help},
	{long: "sign", own: true, arg: argp.Required, role: keep, value: signOption.Value, help: signOption.Help},
	{long: "debug_dir", own: true, arg: argp.Required, role: keep, many: true, value: "DIR", help: "look for separate debug files in `DIR` first (repeatable)"},
	{long: "debuginfod", own: true, arg: argp.Optional, role: keep, value: debuginfodOption.Value, help: debuginfodOption.Help},
	{long: "base_cache", own: true, arg: argp.Required, role: keep, value: baseCacheOption.Value, help: baseCacheOption.Help},
	{long: "target_kernel", own: true, arg: argp.Required, role: keep, value: "VERSION", help: "only what kernel `VERSION` takes (5.10, 6.1 ... or auto: the one it is built for)"},
	{long: "btf_header", own: true, arg: argp.Required, role: keep, value: "FORM", help: "header `FORM`: 24 (default), 32 or layout"},
	{long: "standalone", own: true, arg: argp.Optional, role: keep, value: "FORM", help: "BTF that refers to itself alone, in `FORM` auto (default), raw, shifted or portable"},
	{long: "max_unpacked", own: true, arg: argp.Required, role: keep, value: "SIZE", help: maxUnpackedHelp},
	{long: "stats", own: true, role: keep, help: "print stage timings and counts to stderr"},

	// What pahole does with these is print, and gobtf does not.
	{long: "anon_include", short: 'a', role: printing},
	{long: "nested_anon_include", short: 'A', role: printing},
	{long: "bit_holes", short: 'B', arg: argp.Required, role: printing},
	{long: "classes_as_structs", role: printing},
	{long: "compile", role: printing},
	{long: "contains_enumerator", arg: argp.Required, role: printing},
	{long: "count", arg: argp.Required, role: printing},
	{long: "cacheline_size", short: 'c', arg: argp.Required, role: printing},
	{long: "class_name", short: 'C', arg: argp.Required, role: printing},
	{long: "recursive", short: 'd', role: printing},
	{long: "decl_exclude", short: 'D', arg: argp.Required, role: printing},
	{long: "expand_types", short: 'E', role: printing},
	{long: "flat_arrays", role: printing},
	{long: "find_pointers_to", short: 'f', arg: argp.Required, role: printing},
	{long: "header_type", arg: argp.Required, role: printing},
	{long: "hex", role: printing},
	{long: "holes", short: 'H', arg: argp.Required, role: printing},
	{long: "contains", short: 'i', arg: argp.Required, role: printing},
	{long: "show_decl_info", short: 'I', role: printing},
	{long: "show_first_biggest_size_base_type_member", short: 'l', role: printing},
	{long: "nr_methods", short: 'm', role: printing},
	{long: "show_only_data_members", short: 'M', role: printing},
	{long: "nr_members", short: 'n', role: printing},
	{long: "class_name_len", short: 'N', role: printing},
	{long: "packed", role: printing},
	{long: "padding_ge", arg: argp.Required, role: printing},
	{long: "prettify", arg: argp.Required, role: printing},
	{long: "ptr_table_stats", role: printing},
	{long: "expand_pointers", short: 'p', role: printing},
	{long: "packable", short: 'P', role: printing},
	{long: "range", arg: argp.Required, role: printing},
	{long: "running_kernel_vmlinux", role: printing},
	{long: "rel_offset", short: 'r', role: printing},
	{long: "reorganize", short: 'R', role: printing},
	{long: "seek_bytes", arg: argp.Required, role: printing},
	{long: "show_private_classes", role: printing},
	{long: "size_bytes", arg: argp.Required, role: printing},
	{long: "skip", arg: argp.Required, role: printing},
	{long: "skip_emitting_atomic_typedefs", role: printing},
	{long: "skip_missing", role: printing},
	{long: "sort", role: printing},
	{long: "structs", role: printing},
	{long: "suppress_aligned_attribute", role: printing},
	{long: "suppress_force_paddings", role: printing},
	{long: "suppress_packed", role: printing},
	{long: "sizes", short: 's', role: printing},
	{long: "show_reorg_steps", short: 'S', role: printing},
	{long: "separator", short: 't', arg: argp.Required, role: printing},
	{long: "nr_definitions", short: 'T', role: printing},
	{long: "unions", role: printing},
	{long: "defined_in", short: 'u', role: printing},
	{long: "with_embedded_flexible_array", role: printing},
	{long: "with_flexible_array", role: printing},
	{long: "word_size", short: 'w', arg: argp.Required, role: printing},
	{long: "exclude", short: 'x', arg: argp.Required, role: printing},
	{long: "prefix_filter", short: 'y', arg: argp.Required, role: printing},
	{long: "hole_size_ge", short: 'z', arg: argp.Required, role: printing},
	{long: "ctf_encode", short: 'Z', role: printing},
}

// encodeTable is the options as the parser takes them.
var encodeTable = func() (t argp.Table) {
	for _, o := range options {
		a := argp.Option{Long: o.long, Short: o.short, Arg: o.arg, Value: o.value, Help: o.help, Own: o.own, Many: o.many}
		if o.role == printing && a.Arg == argp.Required {
			a.Arg = argp.Optional // it is refused before it gets its value
		}
		if o.long == "help" {
			a.Also = 'h' // pahole has no -h
		}
		t = append(t, a)
	}
	return t
}()

// optionOf returns what the table says of an option beyond its syntax.
func optionOf(given *argp.Option) *option {
	for i := range options {
		if options[i].long == given.Long {
			return &options[i]
		}
	}
	panic("no option " + given.Long)
}
