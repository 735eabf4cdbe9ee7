package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/core"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

var minCommand = command{
	name: "min", summary: "cut a kernel's BTF down to what BPF programs need of it", usage: "--for PROG.bpf.o... [OPTION...] VMLINUX [MODULE...]",
	text: `Writes the smallest BTF that answers the CO-RE relocations of BPF objects as VMLINUX and its modules would: types that they
ask for, and of structs only the members that they read. It stands alone, and is what libbpf takes as btf_custom_path for kernels without
BTF of their own. A file of BPF instructions is one of the objects, with or without --for in front; all others are kernels' and modules'.
The result goes to standard output if that is no terminal.`,
	options: argp.Table{
		{Long: "for", Arg: argp.Required, Many: true, Value: "FILE", Help: "a BPF object, as clang made it: `FILE` (repeatable)"},
		{Long: "output", Short: 'o', Arg: argp.Required, Value: "FILE", Help: "write into `FILE`"},
		{Long: "missing", Help: "name the relocations that the kernel has no answer for"},
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what the modules' split BTF continues: `FILE` (default: the first file with BTF)"},
		maxUnpackedOption,
	},
	run: minimize,
}

func minimize(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
	if err := setMaxUnpacked(l); err != nil {
		return err
	}
	objects, targets, err := minFiles(l)
	if err != nil {
		return err
	}
	switch {
	case len(objects) == 0:
		return usagef("min: no BPF object: give --for")
	case len(targets) == 0:
		return usagef("min: no kernel's BTF")
	case !l.Has("output") && terminal(stdout) != nil:
		return usagef("min: standard output is a terminal: give --output")
	}
	var progs []core.Object
	for _, path := range objects {
		o, err := readObject(path)
		if err != nil {
			return at(err, path)
		}
		progs = append(progs, *o)
	}
	in := newInputs()
	base := l.String("btf_base")
	var types []*btf.Types
	for i, path := range targets {
		b := base
		if i == 0 && len(targets) > 1 {
			b = "" // the kernel's own
		} else if i > 0 && b == "" {
			b = targets[0]
		}
		x, err := in.read(path, b, "--btf_base")
		if err != nil {
			return err
		}
		types = append(types, x.types)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	res, err := core.Minimal(types, progs)
	if err != nil {
		return err
	}
	data := res.Types.Append(nil)
	if out := l.String("output"); out == "" {
		if _, err := bytesTo(stdout).Write(data); err != nil {
			return err
		}
	} else {
		note, err := encoder.WriteDetached(out, data, slices.Concat(objects, targets))
		if err != nil {
			return at(err, out)
		}
		if note != "" {
			fmt.Fprintln(stderr, "gobtf: "+note)
		}
	}
	fmt.Fprintf(stderr, "gobtf: %d types, %d bytes, for %d relocations; %d of them have no answer\n", res.Types.Len()-1, len(data), res.Asked, len(res.Missing))
	if l.Has("missing") {
		for _, m := range res.Missing {
			fmt.Fprintf(stderr, "%s: section %s, instruction at %#x: %s\n", m.Object, m.Section, m.Offset, m.What)
		}
	}
	return nil
}

// minFiles tells BPF objects from what has a kernel's types.
func minFiles(l *argp.Line) (objects, targets []string, err error) {
	objects = l.Strings("for")
	for _, path := range l.Operands {
		bpf, err := isBPF(path)
		if err != nil {
			return nil, nil, at(err, path)
		}
		if bpf {
			objects = append(objects, path)
		} else {
			targets = append(targets, path)
		}
	}
	return objects, targets, nil
}

// isBPF tells whether a file is an ELF file of BPF instructions, from its first bytes.
func isBPF(path string) (bool, error) {
	if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
		return false, err // a pipe can be read once only
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, 20)
	if n, err := io.ReadFull(f, b); n < len(b) {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil // too short for that; it is looked at again
		}
		return false, err
	}
	if string(b[:4]) != elf.ELFMAG {
		return false, nil
	}
	machine := uint16(b[18]) | uint16(b[19])<<8
	if elf.Data(b[5]) == elf.ELFDATA2MSB {
		machine = uint16(b[19]) | uint16(b[18])<<8
	}
	return elf.Machine(machine) == elf.EM_BPF, nil
}

// readObject reads the types and the relocations of a BPF object.
func readObject(path string) (*core.Object, error) {
	m, err := module.Open(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if m.Machine() != elf.EM_BPF {
		return nil, errors.New("is no BPF object")
	}
	own, _, err := m.BTF()
	if err != nil {
		return nil, err
	}
	if own == nil {
		return nil, errors.New("has no BTF: it was compiled without -g")
	}
	ts, err := btf.Parse(bytes.Clone(own), nil) // the file is closed before they are looked at
	if err != nil {
		return nil, err
	}
	o := &core.Object{Name: path, Types: ts}
	ext, err := m.Section(".BTF.ext")
	if err != nil || ext == nil {
		return o, err
	}
	o.Relocations, err = core.Relocations(ext, ts)
	return o, err
}
