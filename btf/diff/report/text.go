package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/gobtf/gobtf/btf/diff"
)

// TextOptions say how a report is written as text.
type TextOptions struct {
	Colour bool                // with the escape sequences of a terminal
	Brief  bool                // one line a file
	Clean  func(string) string // is asked for each line that has names from the files in it, before colours are added; nil: nobody is
}

// Text writes a report for people to read.
func (r *Report) Text(w io.Writer, opt TextOptions) error {
	b := bufio.NewWriter(w)
	t := &text{Writer: b, opt: opt}
	count := map[string]int{}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		count[p.State]++
		t.pair(p, len(r.Pairs) > 1 || p.Path != "")
	}
	if len(r.Pairs) != 1 || r.Pairs[0].Path != "" {
		fmt.Fprintf(t, "%d files the same, %d different, %d only in A, %d only in B", count[Same], count[Different], count[OnlyA], count[OnlyB])
		if n := count[Failed]; n > 0 {
			fmt.Fprintf(t, ", %d not read", n)
		}
		fmt.Fprintln(t)
	}
	return b.Flush()
}

// text has the signs in the first column: - only A, + only B, ~ changed, > moved.
type text struct {
	io.Writer
	opt TextOptions
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
)

func (t *text) line(colour, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if t.opt.Clean != nil {
		s = t.opt.Clean(s)
	}
	if t.opt.Colour && colour != "" {
		s = "\x1b[" + colour + "m" + s + "\x1b[0m"
	}
	fmt.Fprintln(t, s)
}

func (t *text) pair(p *Pair, named bool) {
	switch {
	case p.State == OnlyA:
		t.line(red, "- %s: only in A", p.Path)
		return
	case p.State == OnlyB:
		t.line(green, "+ %s: only in B", p.Path)
		return
	case p.State == Failed:
		t.line(red, "! %s: %s", p.Path, p.Error)
		return
	case named && p.State == Same:
		return
	case named:
		t.line(bold, "~ %s: %s", p.Path, Summary(p.Result))
		if t.opt.Brief {
			return
		}
	}
	r := p.Result
	if !named {
		for _, s := range []struct {
			letter string
			side   diff.Side
		}{{"A", r.A}, {"B", r.B}} {
			t.line(bold, "%s %s: %s types in %s bytes, %s bytes of strings%s", s.letter, s.side.Name, thousands(s.side.Types), thousands(s.side.TypeBytes), thousands(s.side.StringBytes), on(s.side))
		}
	}
	for _, n := range r.Notes {
		t.line("", "note: %s", n)
	}
	t.exact(p.Exact)
	if !named && r.Same {
		fmt.Fprintln(t, Summary(r))
		return
	}
	if t.opt.Brief {
		fmt.Fprintln(t, Summary(r))
		return
	}
	t.entries(red, "-", "removed", r.Removed)
	t.entries(green, "+", "added", r.Added)
	t.changes("changed", r.Changed)
	t.changes("functions whose prototype changed", r.Functions)
	t.moves(r.Moved)
	t.kinds(r)
	t.abi(r.ABI)
	if !named {
		fmt.Fprintln(t, Summary(r))
	}
}

func on(s diff.Side) string {
	if s.BaseTypes == 0 {
		return ""
	}
	return fmt.Sprintf(", on %s types of a base", thousands(s.BaseTypes))
}

// Summary is one line on a result.
func Summary(r *diff.Result) string {
	if r.Same {
		return "same: no difference in meaning"
	}
	return fmt.Sprintf("different: %d removed, %d added, %d changed, %d functions changed, %d variables moved", len(r.Removed), len(r.Added), len(r.Changed), len(r.Functions), len(r.Moved))
}

func (t *text) exact(e *diff.Exact) {
	switch {
	case e == nil:
	case e.Equal:
		t.line("", "bytes: equal, %s", thousands(e.BytesA))
	default:
		t.line(yellow, "bytes: A %s, B %s; the first that differs is at %d, in %s: %s", thousands(e.BytesA), thousands(e.BytesB), e.Offset, e.In, e.What)
		t.both(e.A, e.B)
		if e.FirstID != 0 {
			t.line(yellow, "the first type that differs in more than numbers is %d", e.FirstID)
			t.both(e.FirstA, e.FirstB)
		}
	}
}

// both writes two texts of several lines, those that differ with their sign.
func (t *text) both(a, b string) {
	if a == "" && b == "" {
		return
	}
	in := map[string]int{}
	for l := range strings.Lines(b) {
		in[strings.TrimSuffix(l, "\n")]++
	}
	las, lbs := strings.Split(a, "\n"), strings.Split(b, "\n")
	common := map[string]int{}
	for _, l := range las {
		if in[l] > common[l] {
			common[l]++
		} else if l != "" {
			t.line(red, "    - %s", l)
		}
	}
	for _, l := range lbs {
		if common[l] > 0 {
			common[l]--
		} else if l != "" {
			t.line(green, "    + %s", l)
		}
	}
}

func (t *text) entries(colour, sign, title string, list []diff.Entry) {
	if len(list) == 0 {
		return
	}
	t.line(bold, "\n%s: %s", title, thousands(len(list)))
	for _, e := range list {
		size := ""
		if e.Size > 0 {
			size = fmt.Sprintf("  (%d bytes)", e.Size)
		}
		t.line(colour, "%s %s%s", sign, e.Decl, size)
		if e.Users != nil {
			t.users(e.Kind, e.Users)
		}
		t.findings(e.Abi)
	}
}

func (t *text) changes(title string, list []diff.Change) {
	if len(list) == 0 {
		return
	}
	t.line(bold, "\n%s: %s", title, thousands(len(list)))
	for i := range list {
		c := &list[i]
		t.line(yellow, "~ %s", c.DeclA)
		if c.DeclB != c.DeclA {
			t.line(yellow, "  now %s", c.DeclB)
		}
		t.items(c.Items)
		if c.Users != nil {
			t.users(c.Kind, c.Users)
		}
		t.findings(c.Abi)
	}
}

// items writes what changed inside of a type. Members that all moved by the same distance are one line: a member more in front of a
// struct moves a hundred others.
func (t *text) items(list []diff.Item) {
	for i := 0; i < len(list); i++ {
		if n := sameMove(list[i:]); n > 2 {
			by := int64(list[i].B.Offset) - int64(list[i].A.Offset)
			t.line("", "    > %d members moved by %s: %s ... %s", n, signed(by), list[i].Name, list[i+n-1].Name)
			i += n - 1
			continue
		}
		t.item(&list[i])
	}
}

// sameMove counts the items that come first and are moves by one distance.
func sameMove(list []diff.Item) int {
	n := 0
	for n < len(list) && list[n].Op == diff.OpMoved && list[n].What == "member" && list[n].B.Offset-list[n].A.Offset == list[0].B.Offset-list[0].A.Offset {
		n++
	}
	return n
}

func (t *text) item(i *diff.Item) {
	name := i.Name
	if name != "" {
		name = " " + name
	}
	switch {
	case i.Op == diff.OpRemoved:
		t.line(red, "    - %s%s: %s", i.What, name, element(i.A))
	case i.Op == diff.OpAdded:
		t.line(green, "    + %s%s: %s", i.What, name, element(i.B))
	case i.Op == diff.OpMoved && i.What == "member":
		t.line("", "    > %s%s: %s -> %s", i.What, name, offset(i.A), offset(i.B))
	default:
		t.line(cyan, "    ~ %s%s: %s -> %s", i.What, name, element(i.A), element(i.B))
	}
}

func element(e *diff.Element) string {
	s := e.Text
	if e.Bits != 0 {
		s += fmt.Sprintf(":%d", e.Bits)
	}
	if e.Offset != 0 {
		s += " at " + offset(e)
	}
	if e.Inside != "" {
		s += " in a " + strings.ReplaceAll(e.Inside, ".", " in a ")
	}
	return s
}

// offset writes an offset in bits as bytes.
func offset(e *diff.Element) string {
	s := fmt.Sprint(e.Offset / 8)
	if bit := e.Offset % 8; bit != 0 {
		s += fmt.Sprintf(" bit %d", bit)
	}
	return s
}

func signed(bits int64) string {
	sign := "+"
	if bits < 0 {
		sign, bits = "-", -bits
	}
	if bits%8 != 0 {
		return fmt.Sprintf("%s%d bits", sign, bits)
	}
	return fmt.Sprintf("%s%d bytes", sign, bits/8)
}

func (t *text) users(kind string, u *diff.Users) {
	total := u.Functions + u.Types + u.Variables
	if total == 0 {
		return
	}
	more := ""
	if total > len(u.Names) {
		more = " ..."
	}
	verb := "used by"
	if kind == "FUNC" {
		verb = "can be called through"
	}
	var counts []string
	for _, c := range []struct {
		n    int
		what string
	}{{u.Functions, "function"}, {u.Types, "type"}, {u.Variables, "variable"}} {
		if c.n > 0 {
			counts = append(counts, plural(c.n, c.what))
		}
	}
	t.line("", "      %s %s: %s%s", verb, strings.Join(counts, ", "), strings.Join(u.Names, ", "), more)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// findings writes the worst that happens to each kind of users, with its first reason.
func (t *text) findings(list []diff.Finding) {
	for _, f := range Worst(list) {
		name := f.Name
		if name != "" {
			name += ": "
		}
		colour := ""
		if f.Verdict == diff.Breaks {
			colour = red
		}
		t.line(colour, "      %s: %s (%s%s)", f.User, f.Verdict, name, f.Why)
	}
}

// Worst returns the worst finding for each kind of users.
func Worst(list []diff.Finding) []diff.Finding {
	rank := map[diff.Verdict]int{diff.Breaks: 2, diff.Relocatable: 1}
	var out []diff.Finding
	for _, user := range []string{diff.CORE, diff.Kfunc, diff.Fentry} {
		var worst *diff.Finding
		for i, f := range list {
			if f.User == user && (worst == nil || rank[f.Verdict] > rank[worst.Verdict]) {
				worst = &list[i]
			}
		}
		if worst != nil {
			out = append(out, *worst)
		}
	}
	return out
}

func (t *text) moves(list []diff.Move) {
	if len(list) == 0 {
		return
	}
	t.line(bold, "\nvariables that moved: %s", thousands(len(list)))
	for _, m := range list {
		t.line("", "> %s: %s -> %s", m.Name, place(m.A), place(m.B))
	}
}

func place(p *diff.Place) string {
	if p == nil {
		return "in no section"
	}
	return fmt.Sprintf("%s+%#x (%d bytes)", p.Section, p.Offset, p.Size)
}

func (t *text) kinds(r *diff.Result) {
	t.line(bold, "\n%-12s %10s %12s %10s %12s %12s", "kind", "A types", "A bytes", "B types", "B bytes", "difference")
	row := func(k diff.KindBytes) {
		fmt.Fprintf(t, "%-12s %10s %12s %10s %12s %12s\n", k.Kind, thousands(k.CountA), thousands(k.BytesA), thousands(k.CountB), thousands(k.BytesB), plus(k.BytesB-k.BytesA))
	}
	used := diff.KindBytes{Kind: "of the base"}
	for _, k := range r.Kinds {
		if k.CountA+k.CountB > 0 {
			row(k)
		}
		used.CountA, used.BytesA = used.CountA+k.UsedA, used.BytesA+k.UsedBytesA
		used.CountB, used.BytesB = used.CountB+k.UsedB, used.BytesB+k.UsedBytesB
	}
	row(diff.KindBytes{Kind: "strings", BytesA: r.A.StringBytes, BytesB: r.B.StringBytes})
	if used.CountA+used.CountB > 0 {
		row(used)
	}
	fmt.Fprintln(t)
}

func (t *text) abi(a *diff.ABI) {
	if a == nil {
		return
	}
	t.line(bold, "%-8s %10s %12s %10s", "ABI", "breaks", "relocatable", "harmless")
	for _, c := range []struct {
		name string
		diff.Counts
	}{{diff.CORE, a.CORE}, {diff.Kfunc, a.Kfunc}, {diff.Fentry, a.Fentry}} {
		fmt.Fprintf(t, "%-8s %10s %12s %10s\n", c.name, thousands(c.Breaks), thousands(c.Relocatable), thousands(c.Harmless))
	}
	fmt.Fprintln(t)
}

func plus(n int) string {
	if n > 0 {
		return "+" + thousands(n)
	}
	return thousands(n)
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
