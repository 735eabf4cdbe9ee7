package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/encoder"
)

// errUsage marks wrong usage, which ends with 64.
var errUsage = errors.New("usage")

type usageError string

func (e usageError) Error() string        { return string(e) }
func (e usageError) Is(target error) bool { return target == errUsage }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// errPrinting is the answer to what gobtf leaves to pahole.
func errPrinting(what string) error { return usagef("%s: gobtf encodes; use pahole for this", what) }

// encodeCommand is the word that normalise puts in front of a command line that encodes. No user gives it.
const encodeCommand = "encode"

// normalise turns a command line that is written as for argp (glued and optional arguments, abbreviations, options
// behind operands, options whose order matters) into one that says the same without any of that:
//
//	encode --OPTION=VALUE ... -- FILE ...   each option once but --debug_dir, and always --btf_features and --jobs
//	--version                               or another option that only prints
func normalise(args []string) ([]string, error) {
	l := line{features: encoder.ImplicitFeatures, jobs: "1", values: make(map[string]string)}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			l.files = append(l.files, args[i+1:]...)
			i = len(args)
		case strings.HasPrefix(arg, "--"):
			name, val, glued := strings.Cut(arg[2:], "=")
			opt, err := findLong(name)
			if err != nil {
				return nil, err
			}
			switch {
			case glued && opt.arg == noArg:
				return nil, usagef("option '--%s' doesn't allow an argument", opt.long)
			case !glued && opt.arg == needArg && opt.role != printing:
				if i++; i == len(args) {
					return nil, usagef("option '--%s' requires an argument", opt.long)
				}
				val = args[i]
			}
			if opt.long == "jobs" && glued && val != "" && digits(val) == 0 { // pahole takes any word for 1
				return nil, usagef("option '--jobs': '%s' is not a number", val)
			}
			if err := l.apply(opt, val); err != nil {
				return nil, err
			}
		case len(arg) > 1 && arg[0] == '-':
			for rest := arg[1:]; rest != ""; {
				opt := findShort(rest[0])
				if opt == nil {
					return nil, usagef("invalid option -- '%c'", rest[0])
				}
				val := ""
				switch rest = rest[1:]; {
				case opt.role == printing || opt.arg == noArg:
				case rest != "" || opt.arg == optArg:
					val, rest = rest, ""
				default:
					if i++; i == len(args) {
						return nil, usagef("option requires an argument -- '%c'", opt.short)
					}
					val = args[i]
				}
				if err := l.apply(opt, val); err != nil {
					return nil, err
				}
				if l.show != "" {
					break
				}
			}
		default:
			l.files = append(l.files, arg)
		}
		if l.show != "" {
			return []string{"--" + l.show}, nil
		}
	}
	return l.canonical()
}

// findLong finds an option by its name or by an abbreviation that fits no other.
func findLong(name string) (*option, error) {
	var found, own []*option
	for i := range options {
		switch o := &options[i]; {
		case o.long == name:
			return o, nil
		case !strings.HasPrefix(o.long, name):
		case o.own:
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
		if meant := near(name, optionNames()); meant != "" {
			return nil, usagef("unrecognized option '--%s': is '--%s' meant?", name, meant)
		}
		return nil, usagef("unrecognized option '--%s'", name)
	case 1:
		return found[0], nil
	}
	var names []string
	for _, o := range found {
		names = append(names, "'--"+o.long+"'")
	}
	return nil, usagef("option '--%s' is ambiguous; possibilities: %s", name, strings.Join(names, " "))
}

func findShort(c byte) *option {
	if c == 'h' { // pahole has no -h
		c = '?'
	}
	for i := range options {
		if options[i].short == c {
			return &options[i]
		}
	}
	return nil
}

// line is what a command line has said so far.
type line struct {
	features  encoder.Features
	listed    bool // a list was given: the implicit features are gone
	jobs      string
	values    map[string]string
	debugDirs []string
	files     []string
	show      string // print this and end
	late      string // print this when the whole line is fine
}

// apply takes one option. What pahole answers while it reads the line (--version, a wrong strict list) is answered here.
func (l *line) apply(o *option, val string) error {
	switch o.role {
	case ignored:
	case keep:
		if o.long == "jobs" {
			l.jobs = jobs(val)
			break
		}
		l.values[o.long] = val
		if _, exclude := l.values["lang_exclude"]; exclude && o.long == "lang" {
			l.values["lang_exclude"] = val // once it excludes it does so for good, and the last list counts
		}
		if _, exclude := l.values["lang_exclude"]; exclude {
			delete(l.values, "lang")
		}
	case every:
		l.debugDirs = append(l.debugDirs, val)
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
func jobs(val string) string {
	if val == "" {
		return "0"
	}
	end := digits(val)
	// More digits than these are more workers than any machine has.
	n, _ := strconv.Atoi(val[:min(end, 6)])
	return strconv.Itoa(max(n, 1))
}

// digits counts the digits that a word begins with.
func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func (l *line) canonical() ([]string, error) {
	if l.late != "" {
		return []string{"--" + l.late}, nil
	}
	_, inPlace := l.values["btf_encode"]
	out, detached := l.values["btf_encode_detached"]
	if !inPlace && !detached {
		what := "no -J or --btf_encode_detached"
		if len(l.files) > 0 {
			what = l.files[0] + ": " + what
		}
		return nil, errPrinting(what)
	}
	if detached && out == "" {
		return nil, usagef("option '--btf_encode_detached' requires a file name")
	}
	if len(l.files) == 0 {
		return nil, usagef("no input file")
	}
	delete(l.values, "btf_encode")
	canon := []string{encodeCommand, "--btf_features=" + l.features.String(), "--jobs=" + l.jobs}
	for _, o := range options {
		if val, ok := l.values[o.long]; ok {
			if o.arg == noArg {
				val = "true"
			}
			canon = append(canon, "--"+o.long+"="+val)
		}
	}
	for _, dir := range l.debugDirs {
		canon = append(canon, "--debug_dir="+dir)
	}
	canon = append(canon, "--")
	return append(canon, l.files...), nil
}
