package main

import (
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/refit"
	"github.com/urfave/cli/v2"
)

func verifyCommand(stdout, stderr io.Writer) *cli.Command {
	return &cli.Command{
		Usage:     "[--btf_base FILE] [--kernel VERSION|running] [--full] [--pointer_size 4|8] FILE...: what a kernel says of the BTF",
		UsageText: "gobtf verify [OPTION...] FILE...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "btf_base"}, &cli.StringFlag{Name: "kernel"}, &cli.BoolFlag{Name: "full"}, &cli.IntFlag{Name: "pointer_size"},
		},
		Action: func(c *cli.Context) error { return verifyFiles(c, stdout, stderr) },
	}
}

func verifyFiles(c *cli.Context, stdout, stderr io.Writer) error {
	files, err := moduleArgs(c)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return usagef("verify: no file")
	}
	size := c.Int("pointer_size")
	if size != 0 && size != 4 && size != 8 {
		return usagef("verify: --pointer_size: %d is not 4 or 8", size)
	}
	var kernel *verify.Kernel
	if s := c.String("kernel"); s != "" {
		k, err := verify.ParseKernel(s)
		if err != nil {
			return usagef("verify: --kernel: %v", err)
		}
		kernel = &k
	}
	var base *btf.Types
	if path := c.String("btf_base"); path != "" {
		if base, err = refit.ReadBase(path); err != nil {
			return at(err, path)
		}
	}
	bad := 0
	for _, path := range files {
		v, err := refit.Verify(path, base, kernel, c.Bool("full"), size)
		switch {
		case err != nil && len(files) == 1:
			return at(err, path)
		case err != nil:
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(at(err, path)))
			bad++
		default:
			if printVerdict(stdout, v); len(v.Findings) > 0 {
				bad++
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files are not good", bad, len(files))
	}
	return nil
}

func printVerdict(w io.Writer, v *refit.Verdict) {
	for _, f := range v.Findings {
		fmt.Fprintf(w, "%s: %v\n", v.Path, f)
	}
	if len(v.Findings) > 0 {
		return
	}
	form, what := "standalone", "what it checks at load"
	if v.Split {
		form = "split"
	}
	if v.Full {
		what = "all that BPF_BTF_LOAD checks"
	}
	fmt.Fprintf(w, "%s: %d bytes of %s BTF: good for Linux %v (%s)\n", v.Path, v.Bytes, form, v.Kernel, what)
}
