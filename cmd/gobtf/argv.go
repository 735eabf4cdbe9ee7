package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
)

// errUsage marks wrong usage, which ends with 64.
var errUsage = errors.New("usage")

type usageError string

func (e usageError) Error() string        { return string(e) }
func (e usageError) Is(target error) bool { return target == errUsage }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// errPrinting is the answer to what gobtf leaves to pahole.
func errPrinting(what string) error { return usagef("%s: gobtf encodes; use pahole for this", what) }

// parse reads a command line as pahole's argp does. It says what to encode, or with show what to print instead.
func parse(args []string) (*line, error) {
	l := &line{features: encoder.ImplicitFeatures, jobs: 1, Line: encodeTable.NewLine()}
	operands, err := encodeTable.Parse(args, argp.Syntax{}, l.apply)
	if err != nil {
		return nil, usageOf(err, optionNames())
	}
	if l.show != "" {
		return l, nil
	}
	l.Operands = operands
	return l, l.check()
}

// usageOf marks an error of the parser as wrong usage, and adds the option that may have been meant.
func usageOf(err error, names []string) error {
	var e *argp.Error
	if !errors.As(err, &e) {
		return err
	}
	if name, long := strings.CutPrefix(e.Word, "--"); long && e.Kind == argp.Unknown {
		if meant := near(name, names); meant != "" {
			return usagef("%v: is '--%s' meant?", err, meant)
		}
	}
	return usageError(err.Error())
}

// line is what a command line that encodes has said so far. Options whose order matters are worked out here; the others are in Line.
type line struct {
	*argp.Line
	features encoder.Features
	listed   bool // a list was given: the implicit features are gone
	jobs     int
	show     string // print this and end
	late     string // print this when the whole line is fine
}

// apply takes one option. What pahole answers while it reads the line (--version, a wrong strict list) is answered here.
func (l *line) apply(given *argp.Option, val, word string) error {
	o := optionOf(given)
	switch o.role {
	case ignored:
	case keep:
		switch o.long {
		case "jobs":
			if word == "--jobs" && val != "" && digits(val) == 0 { // pahole takes any word for 1
				return usagef("option '--jobs': '%s' is not a number", val)
			}
			l.jobs = jobs(val)
		case "lang", "lang_exclude": // once a line excludes it does so for good, and the last list counts
			if l.Has("lang_exclude") {
				given, _ = encodeTable.Find("lang_exclude")
			}
			l.Set(given, val)
			if l.Has("lang_exclude") {
				l.Unset("lang")
			}
		default:
			l.Set(given, val)
		}
	case feature:
		l.features = l.features&^o.off | o.on
	case list:
		set, unknown := encoder.ParseFeatures(val)
		if len(unknown) > 0 && o.long == "btf_features_strict" {
			return fmt.Errorf("--%s: feature %q is not supported; supported are %s", o.long, unknown[0], strings.Join(encoder.FeatureNames(), ","))
		}
		l.addList(set)
	case allFeats:
		l.addList(encoder.AllFeatures)
	case show:
		l.show = o.long
		return argp.ErrStop
	case showLate:
		l.late = o.long
	case printing:
		return errPrinting("--" + o.long)
	}
	return nil
}

// addList adds a list's features. The first list puts an end to all that was said before it.
func (l *line) addList(set encoder.Features) {
	if !l.listed {
		l.listed, l.features = true, 0
	}
	l.features |= set
}

// jobs reads the argument of -j as pahole does: the digits in front, and one worker when there are none. Without an
// argument it is 0, the number that is chosen later.
func jobs(val string) int {
	if val == "" {
		return 0
	}
	end := digits(val)
	// More digits than these are more workers than any machine has.
	n, _ := strconv.Atoi(val[:min(end, 6)])
	return max(n, 1)
}

// digits counts the digits that a word begins with.
func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// check looks at the whole line: it must say what to write and what to read.
func (l *line) check() error {
	if l.late != "" {
		l.show = l.late
		return nil
	}
	detached := l.Has("btf_encode_detached")
	if !l.Has("btf_encode") && !detached {
		what := "no -J or --btf_encode_detached"
		if len(l.Operands) > 0 {
			what = l.Operands[0] + ": " + what
		}
		return errPrinting(what)
	}
	if detached && l.String("btf_encode_detached") == "" {
		return usagef("option '--btf_encode_detached' requires a file name")
	}
	if len(l.Operands) == 0 {
		return usagef("no input file")
	}
	return nil
}
