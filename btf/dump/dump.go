// Package dump shows BTF: as lines like bpftool's, as JSON, as the layout of structs in memory.
//
// In: *btf.Types, alone or on a base, and which of them are wanted. Out: bytes for a reader.
//
// Before it: btf. After it: cmd/gobtf.
package dump

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Selection says which types are wanted. The zero value wants all that are not the base's.
type Selection struct {
	Names []string     // patterns as path.Match takes them; with "struct ", "union ", "enum ", "func ", "var " in front only of that kind
	IDs   []btf.TypeID // of the base, too
	Kinds []btf.Kind
	Deps  bool // also all that the selected ones refer to, whatever depth
}

// ParseKind returns the kind of a name, as STRUCT or struct.
func ParseKind(name string) (btf.Kind, error) {
	for k := btf.Int; k < btf.NumKinds; k++ {
		if strings.EqualFold(k.String(), name) {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is no kind of BTF", name)
}

// words in front of a name that say its kind.
var words = map[string][]btf.Kind{
	"struct": {btf.Struct, btf.Fwd}, "union": {btf.Union, btf.Fwd}, "enum": {btf.Enum, btf.Enum64}, "func": {btf.Func}, "var": {btf.Var}, "typedef": {btf.Typedef},
}

// Select returns the ids that are wanted, in order. Types of a base are among them when they are asked for by id, by name, or as
// something that others refer to. A name or id that nothing has is an error.
func Select(ts *btf.Types, sel Selection) ([]btf.TypeID, error) {
	want := make([]bool, ts.Len())
	switch {
	case len(sel.Names) == 0 && len(sel.IDs) == 0:
		for id, t := range ts.All() {
			want[id] = len(sel.Kinds) == 0 || slices.Contains(sel.Kinds, t.Kind())
		}
	default:
		for _, id := range sel.IDs {
			if int(id) >= ts.Len() || id == 0 {
				return nil, fmt.Errorf("there is no type %d: the last is %d", id, ts.Len()-1)
			}
			want[id] = true
		}
		for _, name := range sel.Names {
			if err := selectName(ts, name, sel.Kinds, want); err != nil {
				return nil, err
			}
		}
	}
	if sel.Deps {
		addNeeded(ts, want)
	}
	var ids []btf.TypeID
	for id, w := range want {
		if w {
			ids = append(ids, btf.TypeID(id))
		}
	}
	return ids, nil
}

func selectName(ts *btf.Types, name string, kinds []btf.Kind, want []bool) error {
	pattern := name
	if word, rest, ok := strings.Cut(name, " "); ok && words[word] != nil {
		kinds, pattern = words[word], rest
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	plain := !strings.ContainsAny(pattern, `*?[\`)
	found := false
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		t := ts.Type(id)
		if len(kinds) > 0 && !slices.Contains(kinds, t.Kind()) || t.NameOff() == 0 {
			continue
		}
		ok := t.Name() == pattern
		if !plain {
			ok, _ = path.Match(pattern, t.Name())
		}
		if ok {
			want[id], found = true, true
		}
	}
	if !found {
		return fmt.Errorf("no type is called %q", name)
	}
	return nil
}

// addNeeded adds all that the wanted types refer to.
func addNeeded(ts *btf.Types, want []bool) {
	var todo []btf.TypeID
	for id, w := range want {
		if w {
			todo = append(todo, btf.TypeID(id))
		}
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for r := range ts.Type(id).Refs() {
			if r != 0 && !want[r] {
				want[r] = true
				todo = append(todo, r)
			}
		}
	}
}

// Raw writes types as "bpftool btf dump file" does (7.8).
func Raw(w io.Writer, ts *btf.Types, ids []btf.TypeID) error {
	b := bufio.NewWriterSize(w, 1<<16)
	for _, id := range ids {
		line := ts.Describe(id)
		if k := ts.Type(id).Kind(); k == btf.TypeTag || k == btf.DeclTag {
			line = strings.TrimSuffix(line, " kflag=1") // bpftool does not show it
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.Flush()
}

// Schema is what the JSON says of itself. docs/json.md describes it.
const Schema = "gobtf.dump/1"

// JSON writes types as one object, a line for each.
func JSON(w io.Writer, ts *btf.Types, ids []btf.TypeID) error {
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(b, "{\"schema\": %q, \"first_id\": %d, \"types\": [", Schema, ts.Start())
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n ")
		b.Write(appendJSON(nil, ts, id))
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

// object appends the fields of a JSON object.
type object struct {
	b     []byte
	first bool
}

func (o *object) key(k string) {
	if !o.first {
		o.b = append(o.b, ", "...)
	}
	o.first = false
	o.b = append(strconv.AppendQuote(o.b, k), ": "...)
}

func (o *object) num(k string, v uint64) { o.key(k); o.b = strconv.AppendUint(o.b, v, 10) }
func (o *object) int(k string, v int64)  { o.key(k); o.b = strconv.AppendInt(o.b, v, 10) }
func (o *object) bool(k string, v bool)  { o.key(k); o.b = strconv.AppendBool(o.b, v) }
func (o *object) str(k, v string)        { o.key(k); o.b = appendString(o.b, v) }

// list appends a list of objects.
func (o *object) list(k string, each func(yield func(func(*object)))) {
	o.key(k)
	o.b = append(o.b, '[')
	n := 0
	each(func(fill func(*object)) {
		if n > 0 {
			o.b = append(o.b, ", "...)
		}
		n++
		sub := object{b: append(o.b, '{'), first: true}
		fill(&sub)
		o.b = append(sub.b, '}')
	})
	o.b = append(o.b, ']')
}

// appendString appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = fmt.Appendf(b, "\\u%04x", r)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

func appendJSON(b []byte, ts *btf.Types, id btf.TypeID) []byte {
	t := ts.Type(id)
	o := object{b: append(b, '{'), first: true}
	o.num("id", uint64(id))
	o.str("kind", t.Kind().String())
	o.str("name", t.Name())
	switch k := t.Kind(); k {
	case btf.Void:
	case btf.Int:
		i := t.Int()
		o.num("size", uint64(t.Size()))
		o.num("bits", uint64(i.Bits))
		o.num("bits_offset", uint64(i.Offset))
		o.bool("signed", i.Encoding&btf.Signed != 0)
		o.bool("char", i.Encoding&btf.Char != 0)
		o.bool("bool", i.Encoding&btf.Bool != 0)
	case btf.Float:
		o.num("size", uint64(t.Size()))
	case btf.Ptr, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict:
		o.num("type", uint64(t.Ref()))
	case btf.TypeTag:
		o.num("type", uint64(t.Ref()))
		o.bool("attribute", t.Kflag())
	case btf.DeclTag:
		o.num("type", uint64(t.Ref()))
		o.int("component", int64(t.Component()))
		o.bool("attribute", t.Kflag())
	case btf.Array:
		elem, index, n := t.Array()
		o.num("type", uint64(elem))
		o.num("index_type", uint64(index))
		o.num("elements", uint64(n))
	case btf.Fwd:
		o.bool("union", t.Kflag())
	case btf.Struct, btf.Union:
		o.num("size", uint64(t.Size()))
		o.list("members", func(yield func(func(*object))) {
			for m := range t.Members() {
				yield(func(o *object) {
					o.str("name", m.Name)
					o.num("type", uint64(m.Type))
					o.num("bit", uint64(m.Bit))
					if m.Bits != 0 {
						o.num("bits", uint64(m.Bits))
					}
				})
			}
		})
	case btf.Enum, btf.Enum64:
		o.num("size", uint64(t.Size()))
		o.bool("signed", t.Kflag())
		o.list("values", func(yield func(func(*object))) {
			for v := range t.Values() {
				yield(func(o *object) {
					o.str("name", v.Name)
					if t.Kflag() {
						o.int("value", int64(v.Value))
					} else {
						o.num("value", v.Value)
					}
				})
			}
		})
	case btf.Func:
		o.num("type", uint64(t.Ref()))
		o.str("linkage", btf.LinkageName(t.Linkage()))
	case btf.FuncProto:
		o.num("returns", uint64(t.Ref()))
		o.list("params", func(yield func(func(*object))) {
			for p := range t.Params() {
				yield(func(o *object) {
					o.str("name", p.Name)
					o.num("type", uint64(p.Type))
				})
			}
		})
	case btf.Var:
		o.num("type", uint64(t.Ref()))
		o.str("linkage", btf.LinkageName(t.Linkage()))
	case btf.Datasec:
		o.num("size", uint64(t.Size()))
		o.list("variables", func(yield func(func(*object))) {
			for e := range t.Entries() {
				yield(func(o *object) {
					o.num("type", uint64(e.Var))
					o.num("offset", uint64(e.Offset))
					o.num("size", uint64(e.Size))
				})
			}
		})
	}
	return append(o.b, '}')
}
