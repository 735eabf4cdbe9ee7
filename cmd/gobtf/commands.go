package main

import (
	"context"
	"io"
	"strings"

	"github.com/gobtf/gobtf/internal/argp"
)

// command is a word that gobtf takes as its first. Parsing, help and documents go by it.
type command struct {
	name    string
	summary string // what it does, for the list of commands
	usage   string // its lines, without "gobtf NAME"
	text    string // a paragraph about it
	options argp.Table
	own     string // the help of a command with a language of its own; it is not run here
	run     func(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error
}

// commands are all of them, in the order of help.
func commands() []command {
	return []command{addCommand, batchCommand, diffCommand, doctorCommand, dumpCommand, explainCommand, fromPackageCommand, minCommand, rebaseCommand, resolveHelp, statsCommand, verifyCommand, completionCommand, manCommand, versionCommand,
		helpCommand()}
}

func findCommand(word string) *command {
	for _, c := range commands() {
		if c.name == word {
			return &c
		}
	}
	return nil
}

// helpOption is one that each command has.
var helpOption = argp.Option{Long: "help", Short: '?', Also: 'h', Help: "this text"}

// table returns a command's options, --help among them.
func (c *command) table() argp.Table {
	return append(append(argp.Table{}, c.options...), helpOption, argp.Option{Long: "usage"})
}

// do runs a command with its arguments.
func (c *command) do(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if c.own != "" {
		return c.help(stdout)
	}
	t := c.table()
	l := t.NewLine()
	operands, err := t.Parse(args, argp.Syntax{}, func(o *argp.Option, value, _ string) error {
		l.Set(o, value)
		if o.Long == "help" || o.Long == "usage" {
			return argp.ErrStop
		}
		return nil
	})
	if err != nil {
		var names []string
		for _, o := range t {
			names = append(names, o.Long)
		}
		return usageOf(err, names)
	}
	if l.Has("help") || l.Has("usage") {
		return c.help(stdout)
	}
	l.Operands = operands
	return c.run(ctx, l, stdout, stderr)
}

var resolveHelp = command{
	name:    resolveBTFIDsName,
	summary: "fill in .BTF_ids as the kernel's tool of this name, or as gobtf under that name",
	own:     resolveUsage,
}

var versionCommand = command{
	name: "version", summary: "print gobtf's own version",
	run: func(_ context.Context, l *argp.Line, stdout, _ io.Writer) error {
		if len(l.Operands) > 0 {
			return usagef("version: takes no arguments")
		}
		return printOwnVersion(stdout)
	},
}

func helpCommand() command {
	return command{
		name: "help", summary: "print this text, or that of a command", usage: "[COMMAND]",
		run: func(_ context.Context, l *argp.Line, stdout, stderr io.Writer) error {
			if len(l.Operands) == 0 {
				return showHelp(true, stdout, stderr)
			}
			c := findCommand(l.Operands[0])
			if len(l.Operands) > 1 || c == nil {
				return usagef("help: %s: not a command", strings.Join(l.Operands, " "))
			}
			return c.help(stdout)
		},
	}
}

// commandNames are the commands' names, as help orders them.
func commandNames() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}
