package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/dump"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
)

var statsCommand = command{
	name: "stats", summary: "count the types and bytes of a file's BTF", usage: "[OPTION...] FILE...",
	text: `Counts types and bytes by kind, and how much of its base split BTF uses; names the largest types. With --dwarf the file's debug
information is read, too: how many types its units define, and what is saved as equal ones are written once.`,
	options: argp.Table{
		{Long: "json", Help: "as JSON, a line for each file (docs/json.md)"},
		{Long: "largest", Short: 'n', Arg: argp.Required, Value: "N", Default: "10", Help: "name the `N` largest types"},
		{Long: "dwarf", Help: "compare with the debug information that the BTF was made from"},
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF continues: `FILE` (BTF, or ELF with .BTF, compressed or not)"},
		maxUnpackedOption,
	},
	run: func(ctx context.Context, l *argp.Line, stdout, _ io.Writer) error {
		if len(l.Operands) == 0 {
			return usagef("stats: no file")
		}
		if err := setMaxUnpacked(l); err != nil {
			return err
		}
		n, err := l.Number("largest")
		if err != nil {
			return usagef("stats: %v", err)
		}
		in := newInputs()
		for i, path := range l.Operands {
			x, err := in.read(path, l.String("btf_base"), "--btf_base")
			if err != nil {
				return err
			}
			s := dump.StatsOf(x.types, path, n)
			if l.Has("dwarf") {
				if s.DWARF, err = dwarfStat(ctx, path, x.types.Base()); err != nil {
					return err
				}
			}
			if l.Has("json") {
				b, err := json.Marshal(s)
				if err != nil {
					return err
				}
				if _, err := stdout.Write(append(b, '\n')); err != nil {
					return err
				}
				continue
			}
			if i > 0 {
				if _, err := io.WriteString(stdout, "\n"); err != nil {
					return err
				}
			}
			if err := s.Text(stdout); err != nil {
				return err
			}
		}
		return nil
	},
}

// dwarfStat encodes a file without writing anything, to count the types that its debug information has.
func dwarfStat(ctx context.Context, path string, base *btf.Types) (*dump.DWARFStat, error) {
	opt := encoder.Options{Features: encoder.DefaultFeatures, CountBefore: true}
	if base != nil {
		opt.Base = btf.NewBase(base)
	}
	res, err := encodeToExplain(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	d := &dump.DWARFStat{InfoBytes: res.Stats.InfoBytes, Kinds: []dump.KindStat{}}
	for k, n := range res.Stats.Before {
		if k != int(btf.Void) && n.Types > 0 {
			d.Types += n.Types
			d.TypeBytes += n.Bytes
			d.Kinds = append(d.Kinds, dump.KindStat{Kind: btf.Kind(k).String(), Count: n.Types, Bytes: n.Bytes})
		}
	}
	dump.SortKinds(d.Kinds)
	return d, nil
}
