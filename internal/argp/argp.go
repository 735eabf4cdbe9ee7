// Package argp takes command lines apart by tables of options, as the argp of the C library does it for pahole, and as the parser of
// the kernel's tools does it for resolve_btfids. Help, completion and documents come from the same tables.
//
// Source: "Program Argument Syntax Conventions" of the C library's manual; tools/lib/subcmd/parse-options.c of the kernel, by its behaviour.
package argp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Arg says whether an option takes a value.
type Arg uint8

const (
	None     Arg = iota
	Required     // glued (--o=V, -oV) or the next word
	Optional     // glued only: in "-j 8" the 8 is an operand
)

// Option is one option.
type Option struct {
	Long    string
	Short   byte // 0: none
	Also    byte // another letter, which help does not show
	Arg     Arg
	Value   string // what the value is called in help
	Default string // what Line's methods say when it is not given
	Help    string // one line, in which `WORD` is the value's name; "": it is not listed
	Own     bool   // an addition: it never makes an abbreviation of the others ambiguous
	Many    bool   // may be given several times, each counts
}

// Table is the options of a command, in the order of its help.
type Table []Option

// Syntax is how words become options and operands.
type Syntax struct {
	// Front: options end at the first operand, as in the kernel's tools. Else they may stand anywhere before "--".
	Front bool
}

// ErrStop ends a parse without an error: what an option asked for needs no more of the line.
var ErrStop = errors.New("stop")

// Kind says what is wrong with a word.
type Kind uint8

const (
	Unknown   Kind = iota + 1 // no such option
	Ambiguous                 // an abbreviation of several
	NoValue                   // an option that takes a value has none
	HasValue                  // an option that takes none has one
)

// Error is about one word of a command line. Its text is the C library's.
type Error struct {
	Kind     Kind
	Word     string   // the option, as it was written: --name, -c
	Possible []string // long names that an abbreviation fits
}

func (e *Error) Error() string {
	name, long := strings.CutPrefix(e.Word, "--")
	switch {
	case e.Kind == Unknown && long:
		return fmt.Sprintf("unrecognized option '--%s'", name)
	case e.Kind == Unknown:
		return fmt.Sprintf("invalid option -- '%s'", e.Word[1:])
	case e.Kind == Ambiguous:
		return fmt.Sprintf("option '%s' is ambiguous; possibilities: '--%s'", e.Word, strings.Join(e.Possible, "' '--"))
	case e.Kind == NoValue && long:
		return fmt.Sprintf("option '%s' requires an argument", e.Word)
	case e.Kind == NoValue:
		return fmt.Sprintf("option requires an argument -- '%s'", e.Word[1:])
	}
	return fmt.Sprintf("option '%s' doesn't allow an argument", e.Word)
}

// Parse calls each for every option in turn, with its value and how it was written: "-j", or "--" and its long name. It returns the
// operands. What each returns ends it: ErrStop without an error.
func (t Table) Parse(args []string, s Syntax, each func(o *Option, value, word string) error) (operands []string, err error) {
	p := parser{t, args, each}
	for len(p.rest) > 0 {
		word := p.rest[0]
		switch {
		case word == "--":
			return append(operands, p.rest[1:]...), nil
		case len(word) < 2 || word[0] != '-':
			if s.Front {
				return append(operands, p.rest...), nil
			}
			operands, p.rest = append(operands, word), p.rest[1:]
			continue
		}
		p.rest = p.rest[1:]
		if word[1] == '-' {
			err = p.long(word)
		} else {
			err = p.short(word)
		}
		if err != nil {
			if errors.Is(err, ErrStop) {
				err = nil
			}
			return operands, err
		}
	}
	return operands, nil
}

type parser struct {
	table Table
	rest  []string
	each  func(o *Option, value, word string) error
}

func (p *parser) long(word string) error {
	name, value, glued := strings.Cut(word[2:], "=")
	o, err := p.table.Find(name)
	if err != nil {
		return err
	}
	switch {
	case glued && o.Arg == None:
		return &Error{Kind: HasValue, Word: "--" + o.Long}
	case !glued && o.Arg == Required:
		if value, err = p.next("--" + o.Long); err != nil {
			return err
		}
	}
	return p.each(o, value, "--"+o.Long)
}

// short takes a word of one-letter options, of which the last may have a value.
func (p *parser) short(word string) error {
	for rest := word[1:]; rest != ""; {
		o := p.table.short(rest[0])
		if o == nil {
			return &Error{Kind: Unknown, Word: "-" + rest[:1]}
		}
		value, word := "", "-"+rest[:1]
		switch rest = rest[1:]; {
		case o.Arg == None:
		case rest != "":
			value, rest = rest, ""
		case o.Arg == Required:
			var err error
			if value, err = p.next(word); err != nil {
				return err
			}
		}
		if err := p.each(o, value, word); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) next(word string) (string, error) {
	if len(p.rest) == 0 {
		return "", &Error{Kind: NoValue, Word: word}
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	return value, nil
}

// Find finds an option by its long name or by an abbreviation that fits no other.
func (t Table) Find(name string) (*Option, error) {
	var found, own []*Option
	for i := range t {
		switch o := &t[i]; {
		case o.Long == name:
			return o, nil
		case !strings.HasPrefix(o.Long, name):
		case o.Own:
			own = append(own, o)
		default:
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		found = own
	}
	switch len(found) {
	case 0:
		return nil, &Error{Kind: Unknown, Word: "--" + name}
	case 1:
		return found[0], nil
	}
	var names []string
	for _, o := range found {
		names = append(names, o.Long)
	}
	return nil, &Error{Kind: Ambiguous, Word: "--" + name, Possible: names}
}

func (t Table) short(c byte) *Option {
	for i := range t {
		if t[i].Short == c || t[i].Also == c {
			return &t[i]
		}
	}
	return nil
}

// Line is a command line taken apart. Its methods take long names that the table has.
type Line struct {
	table    Table
	given    map[string][]string
	Operands []string
}

// NewLine is an empty line.
func (t Table) NewLine() *Line { return &Line{table: t, given: map[string][]string{}} }

// Line parses a whole line, in which the last value of an option counts.
func (t Table) Line(args []string, s Syntax) (*Line, error) {
	l := t.NewLine()
	var err error
	l.Operands, err = t.Parse(args, s, func(o *Option, value, _ string) error {
		l.Set(o, value)
		return nil
	})
	return l, err
}

// Set notes that an option was given.
func (l *Line) Set(o *Option, value string) {
	if !o.Many {
		l.given[o.Long] = l.given[o.Long][:0]
	}
	l.given[o.Long] = append(l.given[o.Long], value)
}

// Unset forgets an option.
func (l *Line) Unset(name string) { delete(l.given, l.option(name).Long) }

// Has tells whether an option was given.
func (l *Line) Has(name string) bool { return l.given[l.option(name).Long] != nil }

// String returns an option's value, its default where it was not given.
func (l *Line) String(name string) string {
	o := l.option(name)
	if all := l.given[o.Long]; len(all) > 0 {
		return all[len(all)-1]
	}
	return o.Default
}

// Strings returns all values of an option.
func (l *Line) Strings(name string) []string { return slices.Clone(l.given[l.option(name).Long]) }

// Number returns an option's value as a number that is not negative. Its error names the option.
func (l *Line) Number(name string) (int, error) {
	s := l.String(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("option '--%s': '%s' is not a number", name, s)
	}
	return n, nil
}

// option panics for a name that the table does not have: that is a mistake in the program.
func (l *Line) option(name string) *Option {
	for i := range l.table {
		if l.table[i].Long == name {
			return &l.table[i]
		}
	}
	panic("argp: no option " + name)
}
