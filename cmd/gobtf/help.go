package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gobtf/gobtf/internal/argp"
)

const usageText = `gobtf -J [OPTION...] FILE...                          encode into FILE itself
gobtf --btf_encode_detached=OUT [OPTION...] FILE...   encode into OUT`

const description = `Turns DWARF into BTF, as pahole does it and under pahole's options, so that PAHOLE=gobtf works in a
kernel build. Options may be abbreviated and stand anywhere. With --btf_base the BTF is split, and else
standalone. Without a list of features they are var, decl_tag, type_tag and enum64; the first list
starts anew, and what comes later adds to it or takes away.

Ends with 0 only when what was asked for exists, with 1 when it does not, and with 64 for wrong usage.`

// flags makes what cli's help lists from a table of options.
func flags(t argp.Table, own string) []cli.Flag {
	var flags []cli.Flag
	for _, o := range t {
		category := ""
		if own != "" {
			category = "Options as pahole has them:"
			if o.Own {
				category = own
			}
		}
		var alias []string
		if o.Short != 0 {
			alias = []string{string(o.Short)}
		}
		hidden := o.Help == ""
		if o.Arg == argp.None {
			flags = append(flags, &cli.BoolFlag{Name: o.Long, Aliases: alias, Usage: o.Help, Category: category, Hidden: hidden, DisableDefaultText: true})
		} else {
			flags = append(flags, &cli.StringFlag{Name: o.Long, Aliases: alias, Usage: o.Help, Value: o.Default, Category: category, Hidden: hidden})
		}
	}
	return flags
}

// showHelp prints gobtf's help. visible: with commands, which it does not have under the name pahole.
func showHelp(visible bool, stdout, stderr io.Writer) error {
	app := &cli.App{
		Name: "gobtf", Usage: "turns DWARF into BTF", UsageText: usageText, Description: description,
		CustomAppHelpTemplate: helpTemplate, Flags: flags(encodeTable, "gobtf's own:"), Writer: stdout, ErrWriter: stderr,
		HideHelp: true, HideVersion: true, // the tables have ours
	}
	for _, c := range commands() {
		app.Commands = append(app.Commands, &cli.Command{Name: c.name, Usage: c.summary, Hidden: !visible})
	}
	app.Setup()
	return cli.ShowAppHelp(cli.NewContext(app, nil, nil))
}

// help prints the help of a command.
func (c *command) help(w io.Writer) error {
	template := c.own
	if template == "" {
		template = commandTemplate
	}
	var usage []string
	for _, line := range strings.Split(c.usage, "\n") {
		usage = append(usage, strings.TrimSpace("gobtf "+c.name+" "+line))
	}
	cli.HelpPrinter(w, template, &cli.Command{Name: c.name, Usage: c.summary, UsageText: strings.Join(usage, "\n"), Description: c.text,
		Flags: flags(c.table(), "")})
	return nil
}

// helpTemplate is cli's without a list of authors and the like, and with options as wide as they are.
var helpTemplate = strings.TrimLeft(`
gobtf - {{.Usage}}

Usage:
   {{wrap .UsageText 3}}

{{.Description}}
{{range .VisibleFlagCategories}}
{{if .Name}}{{.Name}}
{{end}}{{range .Flags}}   {{.}}
{{end}}{{end}}{{if .VisibleCommands}}
Commands:
{{range .VisibleCommands}}   {{.Name}}{{"\t"}}{{.Usage}}
{{end}}{{end}}`, "\n")

var commandTemplate = strings.TrimLeft(`
gobtf {{.Name}} - {{.Usage}}

Usage:
   {{wrap .UsageText 3}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
Options, before or behind the files:
{{range .VisibleFlags}}   {{.}}
{{end}}{{end}}`, "\n")
