package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// picture draws the table of what kernels do with each form of module BTF, as `boot table` prints it and docs/module-btf.md has it: a row for each form, a
// pair of fields for each kernel, of which the left is the module as it is and the right one after gobtf rebase.
func picture(markdown string) (string, error) {
	var head []string
	cells := map[string][]string{}
	var forms []string
	for _, line := range strings.Split(markdown, "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		f := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case f[0] == "the same module":
			head = f[1:]
		case head != nil && len(f) == len(head)+1:
			cells[f[0]] = f[1:]
			if !strings.HasSuffix(f[0], ", rebased") {
				forms = append(forms, f[0])
			}
		}
	}
	if len(head) == 0 || len(forms) == 0 {
		return "", fmt.Errorf("there is no table of forms")
	}
	const left, top, w, h, gap = 190, 74, 150, 34, 8
	width, height := left+len(head)*(w+gap), top+len(forms)*(h+gap)+70
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="What kernels do with each form of module BTF, before and after gobtf rebase">`+"\n", width, height)
	b.WriteString("<style>text{fill:#222}@media (prefers-color-scheme:dark){text.out{fill:#ddd}}</style>\n")
	text := func(x, y int, class, s string) {
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(s))
	}
	text(8, 20, "out", "A module after a kernel update: left as it was built, right after gobtf rebase")
	for i, k := range head {
		name, other, _ := strings.Cut(k, ", ")
		text(left+i*(w+gap), 46, "out", name)
		text(left+i*(w+gap), 62, "out", other)
	}
	for r, form := range forms {
		y := top + r*(h+gap)
		text(8, y+21, "out", strings.Trim(form, "`"))
		for i := range head {
			for side, cell := range []string{cells[form][i], at(cells[form+", rebased"], i)} {
				o := outcomeOf(cell)
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"><title>%s</title></rect>`+"\n", left+i*(w+gap)+side*(w/2), y, w/2-2, h, o.colour, html.EscapeString(strings.ReplaceAll(cell, "*", "")))
				text(left+i*(w+gap)+side*(w/2)+5, y+21, "in", o.word)
			}
		}
	}
	x := 8
	for _, o := range outcomes {
		y := top + len(forms)*(h+gap) + 24
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="14" height="14" fill="%s"/>`+"\n", x, y-11, o.colour)
		text(x+20, y, "out", o.says)
		x += 30 + 7*len(o.says)
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "-"
}

// look is how a cell of the table is drawn.
type look struct {
	cell               *regexp.Regexp
	word, colour, says string
}

// outcomes are in the order in which cells are looked at. The colours differ in brightness, too.
var outcomes = []look{
	{regexp.MustCompile(`ids right`), "works", "#8fd19e", "BTF there, ids right"},
	{regexp.MustCompile(`wrong`), "wrong", "#f2c14e", "BTF there, ids or lists wrong"},
	{regexp.MustCompile(`module refused`), "refused", "#e07a5f", "module does not load"},
	{regexp.MustCompile(`refused|no BTF`), "no BTF", "#c9c9c9", "module loads without BTF"},
	{regexp.MustCompile(``), "-", "#f4f4f4", "not tried"},
}

func outcomeOf(cell string) look {
	for _, o := range outcomes {
		if o.cell.MatchString(cell) {
			return o
		}
	}
	panic("the last one matches all")
}
