package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

var explainCommand = command{
	name: "explain", summary: "say why a function is in BTF or not, why a type is not shared", usage: "[OPTION...] FUNCTION|TYPE FILE\n--skipped [OPTION...] FILE\n--not_shared [OPTION...] FILE",
	text: `Encodes FILE's DWARF without writing anything, and says what became of a FUNCTION (a name, or a pattern): whether it is in BTF, which rule
of docs/rules decides, and what each unit says of it: address, prototype, what was found out about its parameters. --skipped lists all
that are left out. Of a TYPE ("struct NAME", or a name that no function has) in a module's BTF it says whether it is the base's, and else
what keeps it from being shared: the members that lead to the first difference, and both sides of that. --not_shared lists all types that
the base has, too. Ends with 0 when what was asked for was found.`,
	options: argp.Table{
		{Long: "skipped", Help: "list all functions that are left out, with the reason"},
		{Long: "not_shared", Help: "list all types of split BTF that its base has, too, largest first, with the reason"},
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF continues: `FILE` (BTF, or ELF with .BTF, compressed or not; default: as dump finds it)"},
		{Long: "json", Help: "as JSON, a line for each function or type (docs/json.md)"},
		{Long: "btf_features", Arg: argp.Required, Value: "LIST", Default: "default", Help: "features in `LIST`, as for -J"},
		{Long: "lang_exclude", Arg: argp.Required, Value: "LIST", Help: "no units in the languages of `LIST`"},
		{Long: "debug_dir", Arg: argp.Required, Many: true, Value: "DIR", Help: "look for separate debug files in `DIR` first (repeatable)"},
		debuginfodOption,
		{Long: "jobs", Short: 'j', Arg: argp.Required, Value: "N", Help: "`N` workers; 0: chosen from the input's size (default: 0)"},
		maxUnpackedOption,
	},
	run: explain,
}

func explain(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
	if err := setMaxUnpacked(l); err != nil {
		return err
	}
	want := ""
	switch n := len(l.Operands); {
	case l.Has("skipped") && l.Has("not_shared"):
		return usagef("explain: --skipped is about functions, --not_shared about types: give one of them")
	case l.Has("not_shared") && n == 1:
		return explainTypes(ctx, l, "", stdout, stderr)
	case l.Has("skipped") && n == 1:
	case !l.Has("skipped") && !l.Has("not_shared") && n == 2:
		want = l.Operands[0]
		if isType(want) {
			return explainTypes(ctx, l, want, stdout, stderr)
		}
		if _, err := path.Match(want, ""); err != nil {
			return usagef("explain: %q: %v", want, err)
		}
	default:
		return usagef("explain: give a function or a type and a file, or --skipped or --not_shared and a file")
	}
	file := l.Operands[len(l.Operands)-1]
	opt, err := explainOptions(l, stderr)
	if err != nil {
		return err
	}
	found := map[string]*encoder.Explained{}
	opt.Explain = func(x *encoder.Explained) {
		if want != "" {
			if ok, _ := path.Match(want, x.Name); !ok && x.Name != want {
				return
			}
		} else if x.Written {
			return
		}
		if before := found[x.Name]; before != nil { // units that have it without a symbol tell of it one by one
			before.Copies = append(before.Copies, x.Copies...)
			return
		}
		found[x.Name] = x
	}
	if _, err := encodeToExplain(ctx, file, opt); err != nil {
		if want != "" && ctx.Err() == nil && explainTypes(ctx, l, want, stdout, stderr) == nil {
			return nil // a module whose DWARF was stripped has types, too
		}
		return err
	}
	list := make([]*encoder.Explained, 0, len(found))
	for _, x := range found {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *encoder.Explained) int { return cmp.Compare(a.Name, b.Name) })
	if len(list) == 0 && want != "" {
		if err := explainTypes(ctx, l, want, stdout, stderr); err == nil {
			return nil // whatever else came of it: a function was asked for as well
		}
		return fmt.Errorf("%s: no unit defines a function %s: it is declared only, inlined in all places without a copy of its own, or misspelled (and no type has this name)", file, want)
	}
	for _, x := range list {
		if err := explained(stdout, x, l.Has("json"), l.Has("skipped")); err != nil {
			return err
		}
	}
	return nil
}

func explainOptions(l *argp.Line, stderr io.Writer) (opt encoder.Options, err error) {
	opt.DebugDirs = l.Strings("debug_dir")
	if opt.FetchDebug, err = fetchDebug(l, stderr); err != nil {
		return opt, err
	}
	if opt.Jobs, err = l.Number("jobs"); err != nil {
		return opt, usagef("explain: %v", err)
	}
	opt.Features, _ = encoder.ParseFeatures(l.String("btf_features"))
	if list := l.String("lang_exclude"); list != "" {
		if opt.LangExclude, err = encoder.ParseLang(list); err != nil {
			return opt, usagef("explain: --lang_exclude: %v", err)
		}
	}
	return opt, nil
}

// encodeToExplain encodes a file without writing anything. That nothing came of it is an error.
func encodeToExplain(ctx context.Context, file string, opt encoder.Options) (*encoder.Result, error) {
	f, err := module.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	res, err := encoder.Encode(ctx, []*module.File{f}, opt)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, errors.New("interrupted")
	case err != nil:
		return nil, at(err, file)
	case res.Empty:
		return nil, errors.New(res.Reason)
	}
	return res, nil
}

// maxCopies is how many units are named of a function that many describe.
const maxCopies = 10

func explained(w io.Writer, x *encoder.Explained, asJSON, brief bool) error {
	if asJSON {
		b, err := json.Marshal(x)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", b)
		}
		return err
	}
	verb := "is not in BTF: "
	if x.Written {
		verb = ""
	}
	if _, err := fmt.Fprintf(w, "%s: %s%s (rule %s)\n", x.Name, verb, x.Why, x.Rule); err != nil || brief {
		return err
	}
	for i, c := range x.Copies {
		if i == maxCopies {
			fmt.Fprintf(w, "  and %d units more\n", len(x.Copies)-i)
			break
		}
		where := c.Unit
		if where == "" {
			where = "all units as one"
		}
		if c.Addr != 0 {
			where += fmt.Sprintf(" at %#x", c.Addr)
		}
		if c.Proto != "" {
			where += ": " + c.Proto
		}
		fmt.Fprintf(w, "  %s\n", where)
		for _, f := range c.Found {
			fmt.Fprintf(w, "    %s\n", f)
		}
	}
	return nil
}
