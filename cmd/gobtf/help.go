package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

const usageText = `gobtf -J [OPTION...] FILE...                          encode into FILE itself
gobtf --btf_encode_detached=OUT [OPTION...] FILE...   encode into OUT`

const description = `Turns DWARF into BTF, as pahole does it and under pahole's options, so that PAHOLE=gobtf works in a
kernel build. Options may be abbreviated and stand anywhere. With --btf_base the BTF is split, and else
standalone. Without a list of features they are var, decl_tag, type_tag and enum64; the first list
starts anew, and what comes later adds to it or takes away.

Ends with 0 only when what was asked for exists, with 1 when it does not, and with 64 for wrong usage.`

// flags makes what cli reads the normalised line with, and what help lists, from the table of options.
func flags() []cli.Flag {
	var flags []cli.Flag
	for _, o := range options {
		category := "Options as pahole has them:"
		if o.own {
			category = "gobtf's own:"
		}
		var alias []string
		if o.short != 0 {
			alias = []string{string(o.short)}
		}
		hidden := o.help == ""
		switch {
		case o.role == printing || o.role == ignored: // they never get here
		case o.role == every:
			flags = append(flags, &cli.StringSliceFlag{Name: o.long, Aliases: alias, Usage: o.help, Category: category, Hidden: hidden})
		case o.arg == noArg:
			flags = append(flags, &cli.BoolFlag{Name: o.long, Aliases: alias, Usage: o.help, Category: category, Hidden: hidden, DisableDefaultText: true})
		default:
			flags = append(flags, &cli.StringFlag{Name: o.long, Aliases: alias, Usage: o.help, Category: category, Hidden: hidden})
		}
	}
	return flags
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
