package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobtf/gobtf/internal/argp"
)

var manCommand = command{
	name: "man", summary: "write the manual pages into a folder", usage: "DIR",
	text: "Writes gobtf.1 and a page for each command, from the same tables as --help.",
}

func init() { manCommand.run = writeMan } // it lists the commands, of which it is one

func writeMan(_ context.Context, l *argp.Line, _, _ io.Writer) error {
	if len(l.Operands) != 1 {
		return usagef("man: give one folder")
	}
	dir := l.Operands[0]
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	pages := map[string]string{"gobtf": mainPage()}
	for _, c := range commands() {
		pages["gobtf-"+c.name] = commandPage(c)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(page), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// roff escapes a text: no line of it is a request, and no backslash or hyphen is another sign.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "").Replace(s)
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		b.WriteString(line)
	}
	return b.String()
}

func pageHead(b *strings.Builder, name, summary string) {
	fmt.Fprintf(b, ".TH %s 1 \"\" \"gobtf %s\" \"gobtf manual\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(roff(name)), ownVersion, roff(name), roff(summary))
}

// optionList is a table of options. The value's name in a help text is what stands in quotes there.
func optionList(b *strings.Builder, t argp.Table, own bool) {
	for _, o := range t {
		if o.Help == "" || o.Own != own {
			continue
		}
		b.WriteString(".TP\n")
		if o.Short != 0 {
			fmt.Fprintf(b, "\\fB\\-%s\\fR, ", roff(string(rune(o.Short))))
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(o.Long))
		switch o.Arg {
		case argp.Required:
			fmt.Fprintf(b, "=\\fI%s\\fR", roff(o.Value))
		case argp.Optional:
			fmt.Fprintf(b, "[=\\fI%s\\fR]", roff(o.Value))
		}
		help := o.Help
		if o.Default != "" {
			help += " (default: " + o.Default + ")"
		}
		fmt.Fprintf(b, "\n%s.\n", roff(help))
	}
}

const exitSection = `.SH EXIT STATUS
.TP
0
What was asked for exists.
.TP
1
It does not: one line on standard error says why, and no output was written.
.TP
64
Wrong usage.
`

func mainPage() string {
	var b strings.Builder
	pageHead(&b, "gobtf", "turns DWARF into BTF")
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\ngobtf COMMAND [OPTION...] FILE...\n.fi\n.SH DESCRIPTION\n%s\n", roff(usageText), roff(description))
	b.WriteString(".SH OPTIONS\nAs pahole has them:\n")
	optionList(&b, encodeTable, false)
	b.WriteString(".PP\ngobtf's own:\n")
	optionList(&b, encodeTable, true)
	b.WriteString(".SH COMMANDS\n")
	var also []string
	for _, c := range commands() {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s.\n", roff(c.name), roff(c.summary))
		also = append(also, fmt.Sprintf("\\fBgobtf\\-%s\\fR(1)", roff(c.name)))
	}
	fmt.Fprintf(&b, "%s.SH SEE ALSO\n%s, \\fBpahole\\fR(1), \\fBbpftool\\fR(8)\n", exitSection, strings.Join(also, ", "))
	return b.String()
}

func commandPage(c command) string {
	var b strings.Builder
	pageHead(&b, "gobtf-"+c.name, c.summary)
	if c.own != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s.fi\n.SH SEE ALSO\n\\fBgobtf\\fR(1)\n", roff(c.own))
		return b.String()
	}
	b.WriteString(".SH SYNOPSIS\n.nf\n")
	for _, line := range strings.Split(c.usage, "\n") {
		fmt.Fprintf(&b, "\\fBgobtf %s\\fR %s\n", roff(c.name), roff(line))
	}
	b.WriteString(".fi\n")
	if c.text != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(c.text))
	}
	b.WriteString(".SH OPTIONS\n")
	optionList(&b, c.table(), false)
	status := exitSection
	if c.name == "diff" {
		status = ".SH EXIT STATUS\n0: the two are the same; 1: they differ; 2: an error; 64: wrong usage.\n"
	}
	fmt.Fprintf(&b, "%s.SH SEE ALSO\n\\fBgobtf\\fR(1)\n", status)
	return b.String()
}
