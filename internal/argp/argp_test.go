package argp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var table = Table{
	{Long: "encode", Short: 'J'},
	{Long: "encode_detached", Arg: Required},
	{Long: "jobs", Short: 'j', Arg: Optional},
	{Long: "exclude", Short: 'X', Arg: Required},
	{Long: "dir", Arg: Required, Many: true},
	{Long: "verbose", Short: 'V'},
	{Long: "version"},
	{Long: "verify", Own: true},
	{Long: "size", Arg: Required, Default: "8"},
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ args, want, front string }{
		{"", "", ""},
		{"a -J b", "-J | a b", "| a -J b"},
		{"-JV a", "-J -V | a", ""},
		{"-j4 a", "-jobs=4 | a", ""},
		{"-j 4 a", "-jobs= | 4 a", ""},
		{"--jobs 4", "jobs= | 4", ""},
		{"--jobs=4 --jobs=", "jobs=4 jobs= |", ""},
		{"-JXnet a", "-J -exclude=net | a", ""},
		{"-JX net a", "-J -exclude=net | a", ""},
		{"--exclude=a --exclude b c", "exclude=a exclude=b | c", ""},
		{"-J -- -V --x", "-J | -V --x", ""},
		{"- -J", "-J | -", "| - -J"},
		{"--exc=a", "exclude=a |", ""},
		{"--encode a", "J | a", ""},
		{"--enc a", "option '--enc' is ambiguous; possibilities: '--encode' '--encode_detached'", ""},
		{"--ver", "option '--ver' is ambiguous; possibilities: '--verbose' '--version'", ""},
		{"--verb", "V |", ""},
		{"--veri", "verify |", ""},
		{"--nosuch", "unrecognized option '--nosuch'", ""},
		{"-JQ", "invalid option -- 'Q'", ""},
		{"--exclude", "option '--exclude' requires an argument", ""},
		{"-X", "option requires an argument -- 'X'", ""},
		{"--encode=1", "option '--encode' doesn't allow an argument", ""},
		{"-V --version --nosuch", "-V version |", ""}, // stops there
	} {
		for _, front := range []bool{false, true} {
			want := c.want
			if front && c.front != "" {
				want = c.front
			}
			var said []string
			operands, err := table.Parse(strings.Fields(c.args), Syntax{front}, func(o *Option, value, word string) error {
				s := o.Long
				switch o.Long {
				case "encode", "verbose":
					s = string(rune(o.Short))
				case "version":
					said = append(said, s)
					return ErrStop
				}
				if o.Arg != None {
					s += "=" + value
				}
				if !strings.HasPrefix(word, "--") {
					s = "-" + s
				} else if word != "--"+o.Long {
					t.Errorf("%s: written as %s", o.Long, word)
				}
				said = append(said, s)
				return nil
			})
			got := strings.TrimSpace(strings.Join(said, " ") + " | " + strings.Join(operands, " "))
			if err != nil {
				got = err.Error()
			}
			if got == "|" {
				got = ""
			}
			if got != want && !(front && c.front == "" && err == nil && len(operands) > 0) {
				t.Errorf("%q, options in front %v: %q, want %q", c.args, front, got, want)
			}
		}
	}
	own := errors.New("no")
	if _, err := table.Parse([]string{"-J"}, Syntax{}, func(*Option, string, string) error { return own }); err != own {
		t.Errorf("an error of the caller's: %v", err)
	}
}

func TestLine(t *testing.T) {
	l, err := table.Line(strings.Fields("--dir=a -J --dir b x --jobs=3 --jobs=5"), Syntax{})
	if err != nil {
		t.Fatal(err)
	}
	if !l.Has("encode") || l.Has("verbose") || l.String("jobs") != "5" || !slices.Equal(l.Strings("dir"), []string{"a", "b"}) || !slices.Equal(l.Operands, []string{"x"}) {
		t.Errorf("%+v", l)
	}
	if n, err := l.Number("size"); n != 8 || err != nil {
		t.Errorf("size %d, %v", n, err)
	}
	l.Unset("encode")
	if l.Has("encode") {
		t.Error("unset, and still there")
	}
	for _, bad := range []string{"x", "-1", "1x"} {
		l, err := table.Line([]string{"--size=" + bad}, Syntax{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Number("size"); err == nil || err.Error() != fmt.Sprintf("option '--size': '%s' is not a number", bad) {
			t.Errorf("size %s: %v", bad, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that no table has is a mistake of the program")
		}
	}()
	l.Has("enc")
}
