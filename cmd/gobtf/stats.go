package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/gobtf/gobtf/btf/dump"
	"github.com/gobtf/gobtf/internal/argp"
)

var statsCommand = command{
	name: "stats", summary: "count the types and bytes of a file's BTF", usage: "[OPTION...] FILE...",
	text: "Counts types and bytes by kind, and how much of its base split BTF uses; names the largest types.",
	options: argp.Table{
		{Long: "json", Help: "as JSON, a line for each file (docs/json.md)"},
		{Long: "largest", Short: 'n', Arg: argp.Required, Value: "N", Default: "10", Help: "name the `N` largest types"},
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF continues: `FILE` (BTF, or ELF with .BTF, compressed or not)"},
		maxUnpackedOption,
	},
	run: func(_ context.Context, l *argp.Line, stdout, _ io.Writer) error {
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
