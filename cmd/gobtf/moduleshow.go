package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/refit"
)

// moduleShow shows what became of modules: lines of text, or with json one object a line. A progress bar is out of the way meanwhile.
type moduleShow struct {
	stdout, stderr io.Writer
	json           bool
	bar            bar
}

// errDoesNotFit is wrapped by what rebase --check finds.
var errDoesNotFit = errors.New("does not fit")

// done shows a module that something was done with, or that needed nothing.
func (s *moduleShow) done(path string, r *refit.Report) {
	s.bar.clear()
	if s.json {
		s.line(path, r, nil)
		return
	}
	fmt.Fprintf(s.stdout, "%s: %v\n", r.Path, r)
	s.changes(r)
}

// failed shows what is known of a module that nothing was done with. The error itself is not said here.
func (s *moduleShow) failed(path string, r *refit.Report, err error) {
	s.bar.clear()
	switch {
	case s.json:
		s.line(path, r, err)
	case r != nil && errors.Is(err, refit.ErrDiffers):
		fmt.Fprintf(s.stdout, "%s: %s BTF stays as it is; what differs:\n", path, r.Before)
		s.changes(r)
	case r != nil && errors.Is(err, errDoesNotFit):
		s.done(path, r)
	}
}

func (s *moduleShow) error(err error) { fmt.Fprintf(s.stderr, "gobtf: %s\n", oneLine(err)) }

func (s *moduleShow) changes(r *refit.Report) {
	for _, change := range r.Changes {
		fmt.Fprintf(s.stdout, "\t%v\n", change)
	}
}

// moduleJSON is a module as docs/json.md describes it.
type moduleJSON struct {
	Schema  string       `json:"schema"`
	Path    string       `json:"path"`
	Error   string       `json:"error,omitempty"`
	Fits    bool         `json:"fits"`
	Why     string       `json:"why,omitempty"` // it did not
	Before  refit.Form   `json:"before,omitempty"`
	After   refit.Form   `json:"after,omitempty"`
	Source  string       `json:"source,omitempty"`
	Own     int          `json:"own"`
	Shared  int          `json:"shared"`
	IDs     bool         `json:"ids"`
	Changes []changeJSON `json:"changes"`
}

type changeJSON struct {
	Kind      string   `json:"kind"`
	Name      string   `json:"name"`
	Was       uint32   `json:"was"`
	Is        uint32   `json:"is"`
	Moved     []string `json:"moved,omitempty"`
	Functions int      `json:"functions"`
	Structs   int      `json:"structs"`
	Embedded  []string `json:"embedded,omitempty"`
	Breaks    bool     `json:"breaks"`
}

func (s *moduleShow) line(path string, r *refit.Report, err error) {
	j := moduleJSON{Schema: "gobtf.module/1", Path: path, Changes: []changeJSON{}}
	if err != nil {
		j.Error = oneLine(err)
	}
	if r != nil {
		j.Fits, j.Why, j.Before, j.After, j.Source, j.Own, j.Shared, j.IDs = r.Fits, r.Why, r.Before, r.After, r.Source, r.Own, r.Shared, r.IDs
		for _, c := range r.Changes {
			j.Changes = append(j.Changes, changeJSON{c.Kind.String(), c.Name, c.Was, c.Is, c.Moved, c.Funcs, c.Structs, c.Embedded, c.Breaks()})
		}
	}
	if b, err := json.Marshal(j); err == nil {
		fmt.Fprintf(s.stdout, "%s\n", b)
	}
}
