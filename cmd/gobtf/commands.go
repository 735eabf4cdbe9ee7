package main

import (
	"io"

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
	return &cli.Command{Usage: "fill in .BTF_ids as the kernel's tool of this name, or as gobtf under that name; its own usage: without arguments"}
}

func versionCommand(stdout, _ io.Writer) *cli.Command {
	return &cli.Command{Usage: "print gobtf's own version", Action: alone(func(*cli.Context) error { return printOwnVersion(stdout) })}
}

func helpCommand(io.Writer, io.Writer) *cli.Command {
	return &cli.Command{Usage: "print this text", Action: alone(func(c *cli.Context) error { return cli.ShowAppHelp(c) })}
}
