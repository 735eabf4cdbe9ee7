package diff

import (
	"fmt"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// Verdict says what a change does to those who use what changed.
type Verdict string

// From the worst to the best.
const (
	Breaks      Verdict = "breaks"
	Relocatable Verdict = "relocatable" // a program that was compiled with CO-RE goes on: libbpf adjusts it at load
	Harmless    Verdict = "harmless"
)

func (v Verdict) rank() int {
	switch v {
	case Breaks:
		return 2
	case Relocatable:
		return 1
	}
	return 0
}

// worse returns the worse of two verdicts with its reason.
func worse(v Verdict, why string, w Verdict, reason string) (Verdict, string) {
	if why == "" || w.rank() > v.rank() {
		return w, reason
	}
	return v, why
}

// Finding is what a change does to one kind of users.
type Finding struct {
	User    string  `json:"user"` // co-re, kfunc (typed ksyms included) or fentry (fexit included)
	Verdict Verdict `json:"verdict"`
	Name    string  `json:"name,omitempty"` // of the member, value or parameter
	Why     string  `json:"why"`
}

// The users of BTF that are told apart.
const (
	CORE   = "co-re"
	Kfunc  = "kfunc"
	Fentry = "fentry"
)

// ABI counts types, functions and variables by the worst that happens to their users.
type ABI struct {
	CORE   Counts `json:"co-re"`
	Kfunc  Counts `json:"kfunc"`
	Fentry Counts `json:"fentry"`
}

// Counts is how many there are of each verdict.
type Counts struct {
	Breaks      int `json:"breaks"`
	Relocatable int `json:"relocatable"`
	Harmless    int `json:"harmless"`
}

func (c *Counts) add(v Verdict) {
	switch v {
	case Breaks:
		c.Breaks++
	case Relocatable:
		c.Relocatable++
	case Harmless:
		c.Harmless++
	}
}

func (a *ABI) count(list []Finding) {
	for user, c := range map[string]*Counts{CORE: &a.CORE, Kfunc: &a.Kfunc, Fentry: &a.Fentry} {
		var worst Verdict
		for _, f := range list {
			if f.User == user && (worst == "" || f.Verdict.rank() > worst.rank()) {
				worst = f.Verdict
			}
		}
		c.add(worst)
	}
}

// typeFindings judges a changed type. Programs that attach with fentry read their arguments by CO-RE, so a type of a parameter affects
// them in the same way.
func (s *space) typeFindings(c *Change, ofKfunc bool) {
	for _, i := range c.Items {
		v, why := s.coreVerdict(i)
		c.Abi = append(c.Abi, Finding{CORE, v, i.Name, why})
		if c.Users != nil && c.Users.Functions > 0 {
			c.Abi = append(c.Abi, Finding{Fentry, v, i.Name, why})
		}
		if ofKfunc {
			w, reason := v, why
			if i.What == "size" || i.Op == OpMoved {
				// The verifier checks that a caller's memory has the size of what a kfunc takes, and nothing relocates what is in it.
				w, reason = Breaks, "a kfunc takes a pointer to it, and a caller fills it in by its own layout: "+why
			}
			c.Abi = append(c.Abi, Finding{Kfunc, w, i.Name, reason})
		}
	}
}

func (s *space) coreVerdict(i Item) (Verdict, string) {
	switch i.What {
	case "size":
		return Relocatable, "sizes are relocated (bpf_core_type_size)"
	case "member":
		return s.memberVerdict(i)
	case "value":
		switch i.Op {
		case OpRemoved:
			return Breaks, "the value is gone"
		case OpAdded:
			return Harmless, "a new value"
		case OpChanged, OpMoved:
		}
		return Relocatable, "values are relocated (bpf_core_enum_value); what was compiled in as a number is not"
	case "kind":
		switch {
		case i.B.Text == "declared only":
			return Breaks, "its definition is gone"
		case i.A.Text == "declared only":
			return Harmless, "it was only declared before"
		}
		return Relocatable, "an enum is wider or narrower"
	case "type":
		return s.fieldVerdict(i.nodeA, i.nodeB)
	case "encoding":
		if i.A.Text != i.B.Text && s.typ(i.nodeA).Kind() == btf.Int {
			return s.fieldVerdict(i.nodeA, i.nodeB)
		}
		return Relocatable, "the sign is relocated (bpf_core_field_signed)"
	case "nesting":
		return Relocatable, "members are found by their names"
	}
	return Harmless, "no program depends on it"
}

func (s *space) memberVerdict(i Item) (Verdict, string) {
	switch i.Op {
	case OpRemoved:
		return Breaks, "the member is gone"
	case OpAdded:
		return Harmless, "a new member"
	case OpMoved:
		return Relocatable, "offsets are relocated"
	case OpChanged:
	}
	v, why := Harmless, ""
	if i.nodeA != i.nodeB && !s.same(i.nodeA, i.nodeB) {
		v, why = s.fieldVerdict(i.nodeA, i.nodeB)
	}
	if i.A.Offset != i.B.Offset {
		v, why = worse(v, why, Relocatable, "offsets are relocated")
	}
	switch {
	case i.A.Bits == i.B.Bits:
	case i.A.Bits == 0:
		v, why = worse(v, why, Breaks, "it became a bitfield, which a plain read does not take apart")
	default:
		v, why = worse(v, why, Relocatable, "bitfields are relocated (BPF_CORE_READ_BITFIELD)")
	}
	if why == "" {
		why = "C reaches it in the same way"
	}
	return v, why
}

// plain follows qualifiers, tags and typedefs, as libbpf does before it compares two types.
func (s *space) plain(n node) node {
	for range cdecl.MaxNesting {
		switch t := s.typ(n); t.Kind() {
		case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.Typedef:
			n = s.ref(n, t.Ref())
		default: // other kinds: this is it
			return n
		}
	}
	return n
}

// fieldVerdict judges that something has another type, by the rules by which libbpf compares types of fields.
func (s *space) fieldVerdict(a, b node) (Verdict, string) {
	a, b = s.plain(a), s.plain(b)
	if s.same(a, b) {
		return Harmless, "the same type under another name or qualifier"
	}
	x, y := s.typ(a), s.typ(b)
	switch k := x.Kind(); {
	case tagNamespace(x) != tagNamespace(y):
		return Breaks, fmt.Sprintf("%s became %s", kindName(x), kindName(y))
	case k == btf.Int:
		return intVerdict(x, y)
	case k == btf.Ptr:
		return s.pointerVerdict(s.plain(s.ref(a, x.Ref())), s.plain(s.ref(b, y.Ref())))
	case k == btf.Array:
		e, _, n := x.Array()
		f, _, m := y.Array()
		v, why := Harmless, ""
		if ea, eb := s.ref(a, e), s.ref(b, f); !s.same(s.plain(ea), s.plain(eb)) {
			v, why = s.fieldVerdict(ea, eb)
		}
		switch {
		case m < n && m != 0:
			v, why = worse(v, why, Breaks, fmt.Sprintf("elements from %d on are gone", m))
		case n != m:
			v, why = worse(v, why, Harmless, "more elements")
		}
		return v, why
	case tagNamespace(x) == btf.Enum:
		if x.Name() == y.Name() || x.Name() == "" || y.Name() == "" {
			return Relocatable, "enums of the same name"
		}
		return Breaks, "another enum"
	case k == btf.Float:
		return Relocatable, "its size is relocated"
	case k == btf.Struct || k == btf.Union || k == btf.Fwd:
		if x.Name() == "" && y.Name() == "" {
			return Relocatable, "members are found by their names"
		}
		return Breaks, "another " + kindName(x)
	}
	return Breaks, "another type"
}

func kindName(t btf.Type) string {
	return strings.ToLower(strings.ReplaceAll(t.Kind().String(), "_", " "))
}

func intVerdict(x, y btf.Type) (Verdict, string) {
	signed := (x.Int().Encoding | y.Int().Encoding) & btf.Signed
	switch {
	case x.Size() == y.Size():
		return Relocatable, "the sign is relocated (bpf_core_field_signed)"
	case signed != 0:
		return Breaks, "libbpf does not adjust the size of a signed read"
	}
	return Relocatable, "the size of an unsigned read is adjusted"
}

// pointerVerdict: CO-RE takes any pointer for any other, and the program then reads what is not there.
func (s *space) pointerVerdict(a, b node) (Verdict, string) {
	x, y := s.typ(a), s.typ(b)
	switch {
	case s.same(a, b):
		return Harmless, "the same pointer but for qualifiers"
	case x.Kind() == btf.FuncProto && y.Kind() == btf.FuncProto:
		return Harmless, "no program calls it"
	case y.Kind() == btf.Void || x.Kind() == btf.Void:
		return Harmless, "a pointer to void on one side"
	case x.Kind() == btf.Int && y.Kind() == btf.Int:
		return intVerdict(x, y)
	case x.Kind() == btf.Ptr && y.Kind() == btf.Ptr:
		return s.pointerVerdict(s.plain(s.ref(a, x.Ref())), s.plain(s.ref(b, y.Ref())))
	}
	return Breaks, "it points to something else, which no relocation notices"
}

// functionFindings judges a changed prototype.
func (s *space) functionFindings(c *Change, wasKfunc bool) {
	add := func(name string, fentry Verdict, whyFentry string, kfunc Verdict, whyKfunc string) {
		c.Abi = append(c.Abi, Finding{Fentry, fentry, name, whyFentry})
		if wasKfunc {
			c.Abi = append(c.Abi, Finding{Kfunc, kfunc, name, whyKfunc})
		}
	}
	for _, i := range c.Items {
		switch {
		case i.What == "parameter" && i.Op == OpMoved:
			v, why := Harmless, "only its name changed"
			if annotation(i.A.Text) != annotation(i.B.Text) {
				v, why = Breaks, "the verifier goes by the suffix of its name"
			}
			add(i.Name, Harmless, "only its name changed", v, why)
		case i.What == "parameter" && i.Op != OpChanged:
			add(i.Name, Breaks, "the arguments are not the same ones any more, and the return value stands behind them", Breaks, "another number of arguments")
		case i.What == "parameter" || i.What == "return":
			v, why := Breaks, "another one stands in its place"
			if i.nodeA != 0 || i.nodeB != 0 {
				v, why = s.argumentVerdict(i.nodeA, i.nodeB)
			}
			add(i.Name, v, why, v, why)
		case i.What == "tag" && i.A != nil && i.A.Text == kfuncTag && i.Name == "":
			add("", Harmless, "a tag", Breaks, "it is no kfunc any more")
		default:
			add(i.Name, Harmless, "calls are not affected", Harmless, "calls are not affected")
		}
	}
}

// argumentVerdict: an argument is a register, which is read with the size and sign that the program was compiled with.
func (s *space) argumentVerdict(a, b node) (Verdict, string) {
	v, why := s.fieldVerdict(a, b)
	if v != Relocatable {
		return v, why
	}
	x, y := s.typ(s.plain(a)), s.typ(s.plain(b))
	if x.Kind().Sized() && x.Size() == y.Size() {
		return Harmless, "of the same size in its register"
	}
	return Breaks, "of another size, and nothing relocates arguments"
}

// kfuncTag is the DECL_TAG that marks a kfunc.
const kfuncTag = "bpf_kfunc"

// annotation is what the verifier reads off the name of a kfunc's parameter: "__sz", "__k" and so on.
func annotation(param string) string {
	if i := strings.LastIndex(param, "__"); i >= 0 {
		if suffix := param[i:]; i > 0 && param[i-1] != ' ' && param[i-1] != '*' && !strings.ContainsAny(suffix, " *[]()") {
			return suffix
		}
	}
	return ""
}
