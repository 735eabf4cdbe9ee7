package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
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
	var own statusError
	if errors.As(err, &own) {
		if own.err != nil {
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(own.err))
		}
		return own.status
	}
	fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(err))
	if errors.Is(err, errUsage) {
		name := "gobtf"
		if len(argv) > 1 && filepath.Base(argv[0]) != "pahole" && findCommand(argv[1]) != nil {
			name += " " + argv[1]
		}
		fmt.Fprintf(stderr, "Try `%s --help' for more information.\n", name)
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
	if visible && len(args) == 0 {
		return usagef("nothing to do: -J FILE encodes, and the commands are %s", strings.Join(commandNames(), ", "))
	}
	if visible {
		if c := findCommand(args[0]); c != nil {
			return c.do(ctx, args[1:], stdout, stderr)
		}
	}
	l, err := parse(args)
	if err != nil {
		if visible && !strings.HasPrefix(args[0], "-") {
			if meant := near(args[0], commandNames()); meant != "" {
				return usagef("%s is no command: is '%s' meant?", args[0], meant)
			}
		}
		return err
	}
	switch l.show {
	case "":
		return encode(ctx, l, stdout, stderr)
	case "supported_btf_features":
		_, err := fmt.Fprintln(stdout, strings.Join(encoder.FeatureNames(), ","))
		return err
	case "help", "usage":
		return showHelp(visible, stdout, stderr)
	default:
		return printVersion(stdout, "--"+l.show)
	}
}

// oneLine makes an error's text one line, whatever a library put into it.
func oneLine(err error) string {
	text := strings.TrimSpace(err.Error())
	var pe *fs.PathError
	if errors.As(err, &pe) { // "FILE: CAUSE", as everywhere, and not "stat FILE: CAUSE"
		text = strings.Replace(text, pe.Error(), pe.Path+": "+pe.Err.Error(), 1)
	}
	return strings.ReplaceAll(text, "\n", "; ")
}
