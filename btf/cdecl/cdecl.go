// Package cdecl writes types as C declares them, for messages and tables: not for a compiler.
package cdecl

import (
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// MaxNesting bounds how deep a type is written out. No type that a compiler made comes near it; one without a name that leads back to
// itself has no end.
const MaxNesting = 24

// TypeString writes a type as C does, without a name to declare: "struct foo *", "int (*)(struct foo *, int)".
func TypeString(ts *btf.Types, id btf.TypeID) string { return declare(ts, id, "", 0) }

// Declare writes the declaration of a name as C does: "int a[4]".
func Declare(ts *btf.Types, id btf.TypeID, name string) string { return declare(ts, id, name, 0) }

// declare puts what a type adds around the name, from the inside to the outside, and the first type with a name in front.
func declare(ts *btf.Types, id btf.TypeID, inner string, depth int) string {
	var qualifiers []string
	for {
		t := ts.Type(id)
		if depth++; depth > MaxNesting {
			return join("...", inner)
		}
		switch t.Kind() {
		case btf.Ptr:
			inner = "*" + join(strings.Join(qualifiers, " "), inner)
			qualifiers = nil
		case btf.Const:
			qualifiers = append(qualifiers, "const")
		case btf.Volatile:
			qualifiers = append(qualifiers, "volatile")
		case btf.Restrict:
			qualifiers = append(qualifiers, "restrict")
		case btf.TypeTag:
			if t.Kflag() {
				qualifiers = append(qualifiers, "__attribute__(("+t.Name()+"))")
			} else {
				qualifiers = append(qualifiers, "__"+t.Name())
			}
		case btf.Array:
			elem, _, n := t.Array()
			if strings.HasPrefix(inner, "*") {
				inner = "(" + inner + ")"
			}
			inner += "[" + strconv.FormatUint(uint64(n), 10) + "]"
			id = elem
			continue
		case btf.FuncProto:
			if strings.HasPrefix(inner, "*") {
				inner = "(" + inner + ")"
			}
			inner += params(ts, t, depth)
			id = t.Ref()
			continue
		case btf.Void:
			return join(strings.Join(append(qualifiers, "void"), " "), inner)
		default: // other kinds: they have a name, or are anonymous, and end the declaration
			return join(strings.Join(append(qualifiers, Noun(t)), " "), inner)
		}
		id = t.Ref()
	}
}

func params(ts *btf.Types, t btf.Type, depth int) string {
	var list []string
	for p := range t.Params() {
		switch {
		case p.Type == 0 && p.Name == "":
			list = append(list, "...")
		default:
			list = append(list, declare(ts, p.Type, p.Name, depth))
		}
	}
	if len(list) == 0 {
		return "(void)"
	}
	return "(" + strings.Join(list, ", ") + ")"
}

func join(typ, name string) string {
	if typ == "" || name == "" {
		return typ + name
	}
	return typ + " " + name
}

// Noun is how C calls a type with a name: "struct foo", "u32".
func Noun(t btf.Type) string {
	name, word := t.Name(), ""
	switch t.Kind() {
	case btf.Struct:
		word = "struct"
	case btf.Union:
		word = "union"
	case btf.Enum, btf.Enum64:
		word = "enum"
	case btf.Fwd:
		word = "struct"
		if t.Kflag() {
			word = "union"
		}
	default: // other kinds: the name says all
		return name
	}
	if name == "" {
		return word + " {...}"
	}
	return word + " " + name
}
