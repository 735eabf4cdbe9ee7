package encoder

import (
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
)

// Explained says what became of a function, and why.
type Explained struct {
	Name    string         `json:"name"`
	Written bool           `json:"written"`
	Why     string         `json:"why"`
	Rule    string         `json:"rule"`   // of docs/rules
	Copies  []ExplainedOne `json:"copies"` // what units say of it; those with an address come first
}

// ExplainedOne is one description of a function: a definition, or a copy of an inline one.
type ExplainedOne struct {
	Unit  string   `json:"unit"` // DW_AT_name; "" where all units are taken as one
	Addr  uint64   `json:"addr"` // 0: it has none
	Proto string   `json:"proto"`
	Found []string `json:"found"` // what the analysis of its parameters found
}

// skipRules are the reasons for which a function is left out, in words, and the rules that say so.
var skipRules = [...]struct{ why, rule string }{
	0:                {"is in BTF", "functions/canonical"},
	skipUnexpected:   {"a parameter is in a register where the calling convention does not put it", "params/registers"},
	skipInconsistent: {"its descriptions have different prototypes", "functions/inconsistent"},
	skipUncertain:    {"a parameter on the stack is a struct whose place depends on an attribute that DWARF does not have", "params/uncertain"},
	skipReordered:    {"its parameters are in another order than in the source", "functions/reordered"},
	skipOptimized:    {"a parameter was optimized away", "functions/left-out"},
	skipAmbiguous:    {"several symbols of this name have different addresses", "functions/table"},
}

// explainer collects what Options.Explain is told. A nil one collects nothing.
type explainer struct {
	tell  func(*Explained)
	t     *table
	units []string // their names, by their number in table.params
	told  int      // units of which it was told in a first try (job.sized)
}

// unit notes a unit whose functions were saved, and those of its functions that have no symbol.
func (x *explainer) unit(u *convert.Unit) {
	if x == nil {
		return
	}
	x.units = append(x.units, u.Name)
	if len(x.units) <= x.told {
		return
	}
	for _, name := range u.Missing {
		x.tell(&Explained{Name: x.t.strs.String(name), Why: "no function symbol has this name: it was inlined everywhere, or never linked", Rule: "functions/saved",
			Copies: []ExplainedOne{{Unit: u.Name, Found: []string{}}}})
	}
}

// copies describes the states of a function as the units gave them, before they are put together.
func (x *explainer) copies(order []uint32) (list []ExplainedOne) {
	if x == nil {
		return nil
	}
	for _, i := range order {
		s := x.t.funcs.at(i)
		one := ExplainedOne{Addr: s.addr, Found: flagWords(s.flags)}
		if int(s.unit) < len(x.units) {
			one.Unit = x.units[s.unit]
		}
		one.Proto = x.t.typeText(s.ret, x.t.strs.String(s.entry.name)+x.params(s), 0)
		list = append(list, one)
	}
	return list
}

func (x *explainer) params(s *state) string {
	var list []string
	for _, p := range x.t.paramsOf(s) {
		if p.name == 0 && p.typ == 0 {
			list = append(list, "...")
			continue
		}
		list = append(list, x.t.typeText(p.typ, x.t.strs.String(p.name), 0))
	}
	if len(list) == 0 {
		return "(void)"
	}
	return "(" + strings.Join(list, ", ") + ")"
}

func (x *explainer) decided(entry *funcEntry, why skipReason, copies []ExplainedOne) {
	if x == nil {
		return
	}
	x.tell(&Explained{Name: x.t.strs.String(entry.name), Written: why == 0, Why: skipRules[why].why, Rule: skipRules[why].rule, Copies: copies})
}

// flagWords says what the analysis of a function's parameters found.
func flagWords(f convert.FuncFlags) []string {
	words := []string{}
	for _, x := range [...]struct {
		flag convert.FuncFlags
		word string
	}{
		{convert.OptimizedParms, "a parameter has no location"}, {convert.Unexpected, "a parameter is in an unexpected register"},
		{convert.Uncertain, "a packed struct is on the stack"}, {convert.Reordered, "the parameters are in another order"},
		{convert.SignatureChanged, "the compiler changed the signature"},
	} {
		if f&x.flag != 0 {
			words = append(words, x.word)
		}
	}
	return words
}

// maxText bounds how deep a type is written out.
const maxText = 16

// typeText writes the declaration of a name with a type of the graph, as C does.
func (t *table) typeText(id btf.TypeID, inner string, depth int) string {
	join := func(word string) string {
		if inner == "" {
			return word
		}
		return word + " " + inner
	}
	if id == 0 {
		return join("void")
	}
	if depth > maxText {
		return join("...")
	}
	g := t.g
	i := id - g.Start
	sh, refs := g.Shape[i], g.Refs[g.RefOff[i]:g.RefOff[i+1]]
	w := g.Shapes.Content(sh)
	to := func(inner string) string { return t.typeText(btf.TypeID(refs[0]), inner, depth+1) }
	name := t.strs.String(graph.StrID(w[1]))
	tagged := func(word string) string {
		if name == "" {
			return join(word + " {...}")
		}
		return join(word + " " + name)
	}
	switch k := sh.Kind(); k {
	case btf.Ptr:
		return to("*" + inner)
	case btf.Const, btf.Volatile, btf.Restrict:
		word := strings.ToLower(k.String())
		if strings.HasPrefix(inner, "*") || inner == "" {
			return word + " " + to(inner)
		}
		return to(word + " " + inner)
	case btf.TypeTag:
		return to(inner)
	case btf.Array:
		if strings.HasPrefix(inner, "*") {
			inner = "(" + inner + ")"
		}
		return to(inner + "[" + strconv.Itoa(int(w[3])) + "]")
	case btf.FuncProto:
		if strings.HasPrefix(inner, "*") {
			inner = "(" + inner + ")"
		}
		var list []string
		for n, r := range refs[1:] {
			if r == 0 && w[3+n] == 0 {
				list = append(list, "...")
				continue
			}
			list = append(list, t.typeText(btf.TypeID(r), "", depth+1))
		}
		if len(list) == 0 {
			list = []string{"void"}
		}
		return to(inner + "(" + strings.Join(list, ", ") + ")")
	case btf.Struct:
		return tagged("struct")
	case btf.Union:
		return tagged("union")
	case btf.Enum, btf.Enum64:
		return tagged("enum")
	case btf.Fwd:
		if btf.InfoKflag(w[0]) {
			return tagged("union")
		}
		return tagged("struct")
	default: // other kinds: the name says all
		return join(name)
	}
}
