package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/dump"
	"github.com/gobtf/gobtf/internal/argp"
)

var dumpCommand = command{
	name: "dump", summary: "print the types of a file's BTF", usage: "[OPTION...] FILE...",
	text: `Prints types as "bpftool btf dump" does, or as JSON, or how structs lie in memory. Of split BTF these are the module's own types,
unless others are asked for; its base is found by itself beside /sys/kernel/btf/* and for modules in a kernel's folder.
As C, a vmlinux and modules on it become one header, in which each type stands once.
A NAME is a pattern (task_*), with a kind in front if need be ("struct file", "func vfs_read").`,
	options: argp.Table{
		{Long: "format", Arg: argp.Required, Value: "FORM", Default: "raw", Help: "`FORM` is raw (bpftool's lines), c (a vmlinux.h) or json (docs/json.md)"},
		{Long: "name", Short: 'n', Arg: argp.Required, Many: true, Value: "NAME", Help: "only types of this `NAME` (repeatable)"},
		{Long: "id", Arg: argp.Required, Many: true, Value: "N", Help: "only type `N` (repeatable)"},
		{Long: "kind", Short: 'k', Arg: argp.Required, Many: true, Value: "KIND", Help: "only types of this `KIND`: struct, func ... (repeatable)"},
		{Long: "deps", Short: 'd', Help: "also all that these types need"},
		{Long: "layout", Short: 'l', Arg: argp.Required, Many: true, Value: "NAME", Help: "how struct or union `NAME` lies in memory: offsets, sizes, holes, cache lines (repeatable)"},
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF continues: `FILE` (BTF, or ELF with .BTF, compressed or not)"},
		{Long: "pointer_size", Arg: argp.Required, Value: "N", Help: "pointers have `N` bytes, 4 or 8, in --layout (default: what the ELF file or the type \"long unsigned int\" says)"},
		maxUnpackedOption,
	},
	run: dumpFiles,
}

func dumpFiles(_ context.Context, l *argp.Line, stdout, _ io.Writer) error {
	if len(l.Operands) == 0 {
		return usagef("dump: no file")
	}
	if err := setMaxUnpacked(l); err != nil {
		return err
	}
	sel := dump.Selection{Names: l.Strings("name"), Deps: l.Has("deps")}
	for _, s := range l.Strings("id") {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return usagef("dump: --id: '%s' is not a number", s)
		}
		sel.IDs = append(sel.IDs, btf.TypeID(n))
	}
	for _, s := range l.Strings("kind") {
		k, err := dump.ParseKind(s)
		if err != nil {
			return usagef("dump: --kind: %v", err)
		}
		sel.Kinds = append(sel.Kinds, k)
	}
	form := l.String("format")
	if form != "raw" && form != "json" && form != "c" {
		return usagef("dump: --format: %q is not raw, c or json", form)
	}
	size, err := l.Number("pointer_size")
	if err != nil || size != 0 && size != 4 && size != 8 {
		return usagef("dump: --pointer_size: %q is not 4 or 8", l.String("pointer_size"))
	}
	in := newInputs()
	if form == "c" && len(l.Operands) > 1 && !l.Has("layout") {
		ts, err := in.together(l.Operands, l.String("btf_base"))
		if err != nil {
			return err
		}
		return dumpC(stdout, ts, sel, uint32(size))
	}
	for _, path := range l.Operands {
		x, err := in.read(path, l.String("btf_base"), "--btf_base")
		if err != nil {
			return err
		}
		if names := l.Strings("layout"); len(names) > 0 {
			if err := layouts(stdout, x, names, uint32(size)); err != nil {
				return at(err, path)
			}
			continue
		}
		if form == "c" {
			if err := dumpC(stdout, x.types, sel, uint32(size)); err != nil {
				return at(err, path)
			}
			continue
		}
		ids, err := dump.Select(x.types, sel)
		if err != nil {
			return at(err, path)
		}
		switch form {
		case "json":
			err = dump.JSON(stdout, x.types, ids)
		default:
			err = dump.Raw(stdout, x.types, ids)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dumpC writes a header. Without a selection all types are in it, those of the base among them.
func dumpC(w io.Writer, ts *btf.Types, sel dump.Selection, address uint32) error {
	var ids []btf.TypeID
	if len(sel.Names)+len(sel.IDs)+len(sel.Kinds) > 0 {
		var err error
		if ids, err = dump.Select(ts, sel); err != nil {
			return err
		}
	}
	if address == 0 {
		address = ts.AddressSize()
	}
	return dump.C(w, ts, ids, address)
}

// layouts writes the layout of each struct or union of these names.
func layouts(w io.Writer, x *input, names []string, size uint32) error {
	if size == 0 {
		size = x.types.AddressSize()
	}
	for i, name := range names {
		ids, err := dump.Select(x.types, dump.Selection{Names: []string{name}, Kinds: []btf.Kind{btf.Struct, btf.Union, btf.Typedef}})
		if err != nil {
			return err
		}
		n := 0
		var last error
		for _, id := range ids {
			l, err := dump.LayoutOf(x.types, id, size)
			if err != nil {
				last = err
				continue
			}
			if i+n > 0 {
				fmt.Fprintln(w)
			}
			n++
			if err := l.Text(w); err != nil {
				return err
			}
		}
		if n == 0 {
			return last
		}
	}
	return nil
}
