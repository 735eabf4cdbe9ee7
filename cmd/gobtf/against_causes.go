package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// cause is one reason for differences between what a pahole and gobtf wrote, and the functions that it is the reason for.
type cause struct {
	what  string
	names []string
}

func (c *cause) String() string {
	n := len(c.names)
	if n == 1 {
		return strings.Replace(c.what, "functions", "function", 1) + ": " + c.names[0]
	}
	some := strings.Join(c.names[:min(n, 3)], ", ")
	if n > 3 {
		some += fmt.Sprintf(" and %d more", n-3)
	}
	return c.what + ": " + some
}

// functionCauses says why gobtf leaves out functions that only the pahole wrote, and where prototypes come from that differ: the file's
// debug information is encoded once more, with gobtf's reasons. Versions of pahole differ in little else.
func (a *against) functionCauses(ctx context.Context, path string, on *btf.Types, r *diff.Result) []string {
	removed, changed := map[string]bool{}, map[string]string{}
	for i := range r.Removed {
		if e := &r.Removed[i]; e.Kind == "FUNC" {
			removed[e.Name] = true
		}
	}
	for i := range r.Functions {
		changed[r.Functions[i].Name] = noSpace(r.Functions[i].DeclA)
	}
	if len(removed)+len(changed) == 0 {
		return nil
	}
	left := map[string]*encoder.Explained{}
	other := &cause{what: "functions that units describe differently, and of which pahole took another description than gobtf (rule functions/canonical)"}
	opt := encoder.Options{Features: a.set, Explain: func(x *encoder.Explained) {
		if removed[x.Name] && !x.Written {
			left[x.Name] = x
		}
		if decl, ok := changed[x.Name]; ok && x.Written && slices.ContainsFunc(x.Copies, func(c encoder.ExplainedOne) bool { return noSpace(c.Proto) == decl }) {
			other.names = append(other.names, x.Name)
			delete(changed, x.Name)
		}
	}}
	if on != nil {
		opt.Base = btf.NewBase(on)
	}
	m, err := module.Open(path)
	if err != nil {
		return nil
	}
	defer m.Close()
	if _, err := encoder.Encode(ctx, []*module.File{m}, opt); err != nil {
		return nil // it worked before: what was to be said is said
	}
	byRule := map[string]*cause{}
	for name, x := range left {
		what := fmt.Sprintf("functions that gobtf leaves out because %s (rule %s)", x.Why, x.Rule)
		if byRule[what] == nil {
			byRule[what] = &cause{what: what}
		}
		byRule[what].names = append(byRule[what].names, name)
	}
	causes := []*cause{}
	for _, c := range byRule {
		causes = append(causes, c)
	}
	if len(other.names) > 0 {
		causes = append(causes, other)
	}
	for _, c := range causes {
		slices.Sort(c.names)
	}
	slices.SortFunc(causes, func(x, y *cause) int {
		if len(x.names) != len(y.names) {
			return len(y.names) - len(x.names)
		}
		return strings.Compare(x.what, y.what)
	})
	var list []string
	for _, c := range causes {
		list = append(list, fmt.Sprintf("%d %v", len(c.names), c))
	}
	return list
}

func noSpace(s string) string { return strings.ReplaceAll(s, " ", "") }
