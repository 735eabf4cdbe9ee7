package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gobtf/gobtf/internal/argp"
)

var completionCommand = command{
	name: "completion", summary: "print the completion script of a shell", usage: "bash|zsh|fish",
	text: `For bash: gobtf completion bash > /etc/bash_completion.d/gobtf
For zsh: gobtf completion zsh > "${fpath[1]}/_gobtf"
For fish: gobtf completion fish > ~/.config/fish/completions/gobtf.fish`,
}

func init() { completionCommand.run = completion } // it lists the commands, of which it is one

func completion(_ context.Context, l *argp.Line, stdout, _ io.Writer) error {
	if len(l.Operands) != 1 {
		return usagef("completion: give bash, zsh or fish")
	}
	switch shell := l.Operands[0]; shell {
	case "bash":
		return bashCompletion(stdout)
	case "zsh":
		return zshCompletion(stdout)
	case "fish":
		return fishCompletion(stdout)
	default:
		return usagef("completion: %s is not bash, zsh or fish", shell)
	}
}

// completed is a command and the options that a shell offers behind it. The first has no name: it is what encodes.
type completed struct {
	name, summary string
	options       argp.Table
}

func completedCommands() []completed {
	list := []completed{{"", "", encodeTable}}
	for _, c := range commands() {
		t := c.table()
		if c.own != "" {
			t = resolveTable
		}
		list = append(list, completed{c.name, c.summary, t})
	}
	return list
}

// shown are the options that help lists, or all of a table without help texts.
func shown(t argp.Table) (list argp.Table) {
	for _, o := range t {
		if o.Help != "" {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return t
	}
	return list
}

func longOptions(t argp.Table) string {
	var words []string
	for _, o := range shown(t) {
		word := "--" + o.Long
		if o.Arg == argp.Required {
			word += "="
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func bashCompletion(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# bash completion for gobtf; printed by gobtf completion bash\n_gobtf() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} options commands=\n\tCOMPREPLY=()\n\tcase ${COMP_WORDS[1]} in\n")
	var names []string
	for _, c := range completedCommands()[1:] {
		fmt.Fprintf(&b, "\t%s) options='%s' ;;\n", c.name, longOptions(c.options))
		names = append(names, c.name)
	}
	fmt.Fprintf(&b, "\t*) options='%s' ;;\n\tesac\n", longOptions(encodeTable))
	fmt.Fprintf(&b, "\tif [ \"$COMP_CWORD\" = 1 ]; then commands='%s'; fi\n", strings.Join(names, " "))
	b.WriteString("\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n\t*) COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\") $(compgen -f -- \"$cur\")) ;;\n\tesac\n" +
		"\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n\treturn 0\n}\ncomplete -o filenames -F _gobtf gobtf\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted puts a text into single quotes for zsh and fish, without the marks of help.
func quoted(s string) string {
	s = strings.NewReplacer("`", "", `\`, `\\`).Replace(s)
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func zshCompletion(w io.Writer) error {
	var b strings.Builder
	b.WriteString("#compdef gobtf\n# zsh completion for gobtf; printed by gobtf completion zsh\n_gobtf() {\n\tlocal -a options\n\tcase ${words[2]} in\n")
	line := func(t argp.Table) {
		for _, o := range shown(t) {
			help := strings.NewReplacer("[", "(", "]", ")", ":", ";").Replace(o.Help)
			word := "--" + o.Long
			switch o.Arg {
			case argp.Required:
				word += "=[" + help + "]:" + strings.ToLower(o.Value) + ":_files"
			case argp.Optional:
				word += "=-[" + help + "]::" + strings.ToLower(o.Value) + ":"
			default:
				word += "[" + help + "]"
			}
			fmt.Fprintf(&b, " %s", quoted(word))
		}
	}
	var described []string
	for _, c := range completedCommands()[1:] {
		fmt.Fprintf(&b, "\t%s) options=(", c.name)
		line(c.options)
		b.WriteString(") ;;\n")
		described = append(described, quoted(c.name+":"+c.summary))
	}
	b.WriteString("\t*) options=(")
	line(encodeTable)
	fmt.Fprintf(&b, ") ;;\n\tesac\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a commands=(%s)\n\t\t_describe command commands\n\tfi\n\t_arguments -s $options '*:file:_files'\n}\n_gobtf \"$@\"\n", strings.Join(described, " "))
	_, err := io.WriteString(w, b.String())
	return err
}

func fishCompletion(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# fish completion for gobtf; printed by gobtf completion fish\n")
	for _, c := range completedCommands() {
		when := "not __fish_seen_subcommand_from " + strings.Join(commandNames(), " ")
		if c.name != "" {
			fmt.Fprintf(&b, "complete -c gobtf -n __fish_use_subcommand -a %s -d %s\n", c.name, quoted(c.summary))
			when = "__fish_seen_subcommand_from " + c.name
		}
		for _, o := range shown(c.options) {
			fmt.Fprintf(&b, "complete -c gobtf -n %s -l %s", quoted(when), o.Long)
			if o.Short != 0 && o.Short != '?' {
				fmt.Fprintf(&b, " -s %c", o.Short)
			}
			if o.Arg == argp.Required {
				b.WriteString(" -r")
			}
			if o.Help != "" {
				fmt.Fprintf(&b, " -d %s", quoted(o.Help))
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
