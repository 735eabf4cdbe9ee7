package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

// typeWords are what C puts before the name of a type.
var typeWords = map[string][]btf.Kind{
	"struct": {btf.Struct}, "union": {btf.Union}, "enum": {btf.Enum, btf.Enum64}, "typedef": {btf.Typedef},
	"": {btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef},
}

// isType tells whether somebody asks for a type in so many words.
func isType(want string) bool {
	word, _, found := strings.Cut(want, " ")
	return found && typeWords[word] != nil
}

// explainTypes says of the types of a name, or with "" of all, why split BTF does not share them with its base.
func explainTypes(ctx context.Context, l *argp.Line, want string, stdout, stderr io.Writer) error {
	file := l.Operands[len(l.Operands)-1]
	ts, err := splitTypes(ctx, l, file, stderr)
	if err != nil {
		return err
	}
	asJSON := l.Has("json")
	if ts.Base() == nil {
		return fmt.Errorf("%s: its BTF stands alone: it shares no types (--btf_base=FILE says what it continues)", file)
	}
	copies := diff.Copies(ts)
	if want == "" {
		for i := range copies {
			if err := printCopy(stdout, &copies[i], asJSON, true); err != nil {
				return err
			}
		}
		if asJSON {
			return nil
		}
		return sumCopies(stdout, ts, copies)
	}
	word, name, found := strings.Cut(want, " ")
	if !found {
		word, name = "", want
	}
	shown := 0
	seen := map[btf.TypeID]bool{}
	for i := range copies {
		if c := &copies[i]; c.Name == name && ofKind(c.Kind, word) {
			if err := printCopy(stdout, c, asJSON, false); err != nil {
				return err
			}
			seen[c.ID] = true
			shown++
		}
	}
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		t := ts.Type(id)
		if seen[id] || t.NameOff() == 0 || !ofKind(t.Kind(), word) || t.Name() != name || shown > 0 && id < ts.Start() {
			continue
		}
		if err := printOther(stdout, ts, id, asJSON); err != nil {
			return err
		}
		shown++
	}
	if shown == 0 {
		return fmt.Errorf("%s: %s: no type has this name, in its BTF or in the base", file, want)
	}
	return nil
}

func ofKind(k btf.Kind, word string) bool {
	for _, w := range typeWords[word] {
		if k == w {
			return true
		}
	}
	return false
}

// splitTypes reads the BTF of a file; where it has none, what its DWARF becomes on the base.
func splitTypes(ctx context.Context, l *argp.Line, file string, stderr io.Writer) (*btf.Types, error) {
	base := l.String("btf_base")
	b, err := module.ReadBTF(file)
	if err == nil && b != nil {
		x, err := newInputs().read(file, base, "--btf_base")
		if err != nil {
			return nil, err
		}
		return x.types, nil
	}
	if base == "" {
		return nil, at(err, file)
	}
	opt, err := explainOptions(l, stderr)
	if err != nil {
		return nil, err
	}
	opt.Features &^= encoder.DistilledBase
	if opt.Base, err = module.ReadBase(base); err != nil {
		return nil, at(err, base)
	}
	res, err := encodeToExplain(ctx, file, opt)
	if err != nil {
		return nil, err
	}
	return btf.Parse(res.BTF, opt.Base.Types)
}

func printCopy(w io.Writer, c *diff.Copy, asJSON, brief bool) error {
	if asJSON {
		b, err := json.Marshal(c)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", b)
		}
		return err
	}
	path := strings.Join(c.Path, " -> ")
	if c.What == "" {
		// Dedup compares all that a unit says at once, so that equal types may stay apart.
		_, err := fmt.Fprintf(w, "%s %s: type %d, %d bytes: a copy of the base's %d, in which nothing differs: dedup met it together with types that do\n", c.Noun, c.Name, c.ID, c.Bytes, c.Of)
		return err
	}
	if brief {
		_, err := fmt.Fprintf(w, "%s %s: %d bytes: %s: %s: %s, in the base %s\n", c.Noun, c.Name, c.Bytes, path, c.What, c.Here, c.Base)
		return err
	}
	_, err := fmt.Fprintf(w, "%s %s: not shared: type %d is a copy of the base's %d\n  %s\n  %s here:        %s\n  %s in the base: %s\n", c.Noun, c.Name, c.ID, c.Of, path, c.What, c.Here, c.What, c.Base)
	return err
}

// printOther says of a type that is no copy whose it is.
func printOther(w io.Writer, ts *btf.Types, id btf.TypeID, asJSON bool) error {
	t := ts.Type(id)
	whose, text := "base", fmt.Sprintf("shared: it is the base's type %d", id)
	if id >= ts.Start() {
		whose, text = "own", fmt.Sprintf("type %d: the base has none of this name", id)
	}
	var err error
	if asJSON {
		var b []byte
		if b, err = json.Marshal(map[string]any{"id": id, "name": t.Name(), "whose": whose}); err == nil {
			_, err = fmt.Fprintf(w, "%s\n", b)
		}
		return err
	}
	_, err = fmt.Fprintf(w, "%s: %s\n", cdecl.Noun(t), text)
	return err
}

// sumCopies says how much is copied.
func sumCopies(w io.Writer, ts *btf.Types, copies []diff.Copy) error {
	bytes := 0
	for _, c := range copies {
		bytes += c.Bytes
	}
	_, err := fmt.Fprintf(w, "%d of %d types of its own are in the base, too: %d bytes\n", len(copies), ts.Len()-int(ts.Start()), bytes)
	return err
}
