package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
	"github.com/urfave/cli/v2"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 64 // EX_USAGE, as argp has it
)

// run is the program: argv in, exit code out.
func run(ctx context.Context, argv []string, stdout, stderr io.Writer) int {
	stdout, stderr = visible{stdout}, visible{stderr}
	ctx, stop := interruptible(ctx, stderr)
	defer stop()
	if rest, ok := resolveCommand(argv); ok {
		code := exitFailure
		err := module.Guard(func() error {
			code = resolveBTFIDs(rest, stderr)
			return nil
		})
		if err != nil {
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(err))
		}
		return code
	}
	err := module.Guard(func() error { return dispatch(ctx, argv, stdout, stderr) })
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(err))
	if errors.Is(err, errUsage) {
		fmt.Fprintln(stderr, "Try `gobtf --help' for more information.")
		return exitUsage
	}
	return exitFailure
}

func dispatch(ctx context.Context, argv []string, stdout, stderr io.Writer) error {
	name, args := "gobtf", []string(nil)
	if len(argv) > 0 {
		name, args = filepath.Base(argv[0]), argv[1:]
	}
	// Called as pahole it has no commands: any word is a file.
	visible := name != "pahole"
	if !visible || len(args) == 0 || !isCommand(args[0]) {
		if visible && len(args) == 0 {
			return usagef("nothing to do: -J FILE encodes, and the commands are %s", strings.Join(commandNames(), ", "))
		}
		line, err := normalise(args)
		if err != nil {
			if visible && !strings.HasPrefix(args[0], "-") {
				if meant := near(args[0], commandNames()); meant != "" {
					return usagef("%s is no command: is '%s' meant?", args[0], meant)
				}
			}
			return err
		}
		args = line
	}
	switch args[0] {
	case "--version", "--numeric_version", "--devel_version":
		return printVersion(stdout, args[0])
	case "--supported_btf_features":
		_, err := fmt.Fprintln(stdout, strings.Join(encoder.FeatureNames(), ","))
		return err
	case "--help", "--usage":
		args[0] = "help"
	}
	app := newApp(visible, stdout, stderr)
	if visible && isCommand(args[0]) {
		own := app.Command(args[0])
		line, help := arrange(own, args[1:])
		if help {
			return showCommand(app, own)
		}
		args = append([]string{args[0]}, line...)
	}
	return app.RunContext(ctx, append([]string{name}, args...))
}

func newApp(visible bool, stdout, stderr io.Writer) *cli.App {
	encode := &cli.Command{
		Name: encodeCommand, Hidden: true, HideHelp: true, Flags: flags(),
		Action: func(c *cli.Context) error { return encode(c, stdout, stderr) },
	}
	usage := func(_ *cli.Context, err error, _ bool) error { return usageError(inOurWords(err)) }
	encode.OnUsageError = usage
	list := []*cli.Command{encode}
	for _, own := range commands {
		c := own.make(stdout, stderr)
		c.Name, c.Hidden, c.HideHelp, c.OnUsageError = own.name, !visible, true, usage
		list = append(list, c)
	}
	return &cli.App{
		Name: "gobtf", Usage: "turns DWARF into BTF", UsageText: usageText, Description: description,
		CustomAppHelpTemplate: helpTemplate,
		Flags:                 flags(),
		Commands:              list,
		HideVersion:           true,
		HideHelp:              true, // ours takes its place
		Writer:                stdout, ErrWriter: stderr,
		OnUsageError:              usage,
		ExitErrHandler:            func(*cli.Context, error) {}, // main alone ends the program
		DisableSliceFlagSeparator: true,
	}
}

// inOurWords says what package flag says of a line as getopt would.
func inOurWords(err error) string {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		return fmt.Sprintf("unrecognized option '--%s'", name)
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return fmt.Sprintf("option '--%s' requires an argument", name)
	}
	return err.Error()
}

// alone is for a command that takes no arguments.
func alone(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return usagef("%s: takes no arguments", c.Command.Name)
		}
		return action(c)
	}
}

// oneLine makes an error's text one line, whatever a library put into it.
func oneLine(err error) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}
