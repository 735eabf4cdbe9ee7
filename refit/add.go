package refit

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// ErrNoDWARF: there is nothing to make BTF of.
var ErrNoDWARF = errors.New("no debug information: build it with CONFIG_DEBUG_INFO, and add before it is stripped, or say with --debug_dir where its debug file is")

// ErrOtherKernel: the module was built for another kernel than the base is of.
var ErrOtherKernel = errors.New("built for another kernel")

// AddFile opens a module and gives it BTF.
func AddFile(ctx context.Context, path string, onto *btf.Base, release string, form Form, opt Options) (*Report, error) {
	f, err := module.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Add(ctx, f, onto, release, form, opt)
}

// Add makes BTF for a module whose build made none, in any form, and fills in .BTF_ids. release is that of the base's kernel, as
// uname -r prints it; a module whose vermagic names another is refused. With an empty one nothing is compared.
func Add(ctx context.Context, f *module.File, onto *btf.Base, release string, form Form, opt Options) (*Report, error) {
	path := f.Path()
	built, err := f.Release()
	if err != nil {
		return nil, err
	}
	switch {
	case built == "":
		return nil, fmt.Errorf("%s: no vermagic: this is no kernel module that was linked to its end", path)
	case opt.Vermagic != "":
		if err := opt.sameKernel(f); err != nil {
			return nil, err
		}
	case release != "" && built != release && !opt.Force && !opt.AnyKernel:
		return nil, fmt.Errorf("%s: %w: its vermagic says %s, and the base is of %s", path, ErrOtherKernel, built, release)
	}
	m, err := readSubject(f)
	if err != nil {
		return nil, err
	}
	r := &Report{Path: path, Before: None, After: form, Source: "its DWARF"}
	if m.own != nil {
		r.Before = "old" // which form does not matter: nothing of it is used
	}
	o := encoder.Options{Features: kernel{onto}.features(), Base: onto, Jobs: opt.Jobs, DebugDirs: opt.DebugDirs, FetchDebug: opt.FetchDebug, Notes: opt.Notes}
	switch form {
	case Split:
	case Distilled:
		o.Features |= encoder.DistilledBase
	default:
		var ok bool
		if o.Form, ok = encoder.ParseForm(string(form)); !ok {
			return nil, fmt.Errorf("%s: no form %q", path, form)
		}
	}
	res, err := encoder.Encode(ctx, []*module.File{f}, o)
	if err != nil {
		return nil, err
	}
	if res.Empty {
		return nil, fmt.Errorf("%s: %w", path, ErrNoDWARF)
	}
	var base *btf.Types
	on := onto.Types
	if res.BTFBase != nil {
		if base, err = btf.Parse(res.BTFBase, nil); err != nil {
			return nil, fmt.Errorf("%s: encoded BTF: %w", path, err)
		}
		on = base
	} else if form == Raw {
		on = nil
	}
	own, err := btf.Parse(res.BTF, on)
	if err != nil {
		return nil, fmt.Errorf("%s: encoded BTF: %w", path, err)
	}
	return r, m.write(own, base, r, opt)
}
