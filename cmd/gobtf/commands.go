package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// command makes one subcommand that writes to stdout and notes to stderr.
type command struct {
	name string
	make func(stdout, stderr io.Writer) *cli.Command
}

// commands are gobtf's own subcommands, in the order in which help shows them. The name decides, before anything is
// parsed, that a line is not in pahole's language; cli knows the command by the same name.
var commands = [...]command{
	{"add", addCommand},
	{"rebase", rebaseCommand},
	{resolveBTFIDsName, resolveHelp},
	{"verify", verifyCommand},
	{"version", versionCommand},
	{"help", helpCommand},
}

// isCommand tells whether a word in the first place is a command. Anything else is pahole's language.
func isCommand(word string) bool {
	for _, c := range commands {
		if c.name == word {
			return true
		}
	}
	return false
}

// resolveHelp is what help shows of resolve_btfids. Its lines are in its own language and do not come here: see run.
func resolveHelp(io.Writer, io.Writer) *cli.Command {
	return &cli.Command{
		Usage:              "fill in .BTF_ids as the kernel's tool of this name, or as gobtf under that name",
		CustomHelpTemplate: resolveUsage,
	}
}

func versionCommand(stdout, _ io.Writer) *cli.Command {
	return &cli.Command{Usage: "print gobtf's own version", UsageText: "gobtf version", Action: alone(func(*cli.Context) error { return printOwnVersion(stdout) })}
}

func helpCommand(io.Writer, io.Writer) *cli.Command {
	return &cli.Command{
		Usage:     "print this text, or that of a command",
		UsageText: "gobtf help [COMMAND]",
		Action: func(c *cli.Context) error {
			switch own := c.App.Command(c.Args().First()); {
			case !c.Args().Present():
				return cli.ShowAppHelp(c)
			case c.Args().Len() > 1 || own == nil || own.Name == encodeCommand:
				return usagef("help: %s: not a command", strings.Join(c.Args().Slice(), " "))
			default:
				return showCommand(c.App, own)
			}
		},
	}
}

// showCommand prints the help of one command.
func showCommand(app *cli.App, c *cli.Command) error {
	if c.CustomHelpTemplate == "" {
		c.CustomHelpTemplate = commandTemplate
	}
	cli.HelpPrinter(app.Writer, c.CustomHelpTemplate, c)
	return nil
}

// arrange moves the options of a command's line in front of its files, where cli looks for them. help: one of them asks for it.
func arrange(c *cli.Command, words []string) (line []string, help bool) {
	takesValue := map[string]bool{}
	for _, f := range c.Flags {
		_, is := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			takesValue[name] = !is
		}
	}
	var files []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "--" {
			files = append(files, words[i+1:]...)
			break
		}
		if len(w) < 2 || w[0] != '-' {
			files = append(files, w)
			continue
		}
		switch w {
		case "--help", "-h", "-?", "--usage":
			return nil, true
		}
		name, _, glued := strings.Cut(strings.TrimLeft(w, "-"), "=")
		if _, known := takesValue[name]; !known && w[1] != '-' && takesValue[w[1:2]] { // -j4
			line = append(line, w[:2], w[2:])
			continue
		}
		line = append(line, w)
		if !glued && takesValue[name] {
			if i++; i == len(words) {
				return line, false // cli says that the value is missing
			}
			line = append(line, words[i])
		}
	}
	return append(append(line, "--"), files...), false
}
