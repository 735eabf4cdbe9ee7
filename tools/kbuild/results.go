package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// result is one cell's line, as it is kept.
type result struct {
	Series, Way, Title, Kernel string
	Status                     string // "passed", "failed" or "not run"
	Why                        string // it failed or was not run
	Flow, Flags                string
	Vmlinux                    int64 // bytes of .BTF
	Modules, Identical         int
	Booted                     bool
	More                       []string
	Date                       string
	Seconds                    int
}

func (c *cell) result(start time.Time, err error) *result {
	r := &result{
		Series: c.series, Way: c.way.name, Title: c.way.title, Kernel: c.release, Status: "passed",
		Flow: c.said.flow, Flags: c.said.flags, Vmlinux: c.said.vmlinux, Modules: c.said.modules, Identical: c.said.identical,
		Booted: c.said.booted, More: c.said.more, Date: start.Format(time.DateOnly), Seconds: int(time.Since(start).Seconds()),
	}
	var not notRun
	switch {
	case errors.As(err, &not):
		r.Status, r.Why = "not run", string(not)
	case err != nil:
		r.Status, r.Why = "failed", err.Error()
	}
	return r
}

// line is what is printed of a cell.
func (r *result) line() string {
	s := fmt.Sprintf("%-5s %-14s %-7s %4d s", r.Series, r.Way, r.Status, r.Seconds)
	switch {
	case r.Status != "passed":
		return s + "  " + r.Why
	case r.Booted:
		s += "  booted,"
	default:
		s += " "
	}
	return s + " " + r.compared() + suffix(r.More)
}

func suffix(more []string) string {
	if len(more) == 0 {
		return ""
	}
	return "; " + strings.Join(more, "; ")
}

func (r *result) compared() string {
	return fmt.Sprintf("%d of %d outputs = reference (%s), vmlinux .BTF %d bytes, %d modules", r.Identical, r.Identical, r.Flow, r.Vmlinux, r.Modules)
}

func (r *result) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, r.Series+"-"+r.Way+".json"), append(b, '\n'), 0o644)
}

func readResults(dir string) (list []*result, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		r := &result{}
		if err := json.Unmarshal(b, r); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no results", dir)
	}
	names := wayNames()
	slices.SortFunc(list, func(a, b *result) int {
		if d := slices.Compare(numbers(a.Series), numbers(b.Series)); d != 0 {
			return d
		}
		return slices.Index(names, a.Way) - slices.Index(names, b.Way)
	})
	return list, nil
}

const mark = "<!-- kbuild-test -->\n"

// writeDocs puts the table of all results between the marks in a page.
func writeDocs(page, dir string) error {
	list, err := readResults(dir)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	parts := bytes.Split(b, []byte(mark))
	if len(parts) != 3 {
		return fmt.Errorf("%s does not have two lines %q", page, strings.TrimSpace(mark))
	}
	return os.WriteFile(page, slices.Concat(parts[0], []byte(mark+table(list)+mark), parts[2]), 0o644)
}

func table(list []*result) string {
	var b strings.Builder
	b.WriteString("| kernel | way | flow | compared | started in qemu | date | time |\n|---|---|---|---|---|---|---|\n")
	var not []string
	for _, r := range list {
		switch r.Status {
		case "not run":
			not = append(not, fmt.Sprintf("* %s, %s: %s.\n", r.Series, r.Title, r.Why))
			continue
		case "failed":
			fmt.Fprintf(&b, "| %s | %s | %s | **fails: %s** | | %s | %d s |\n", r.Series, r.Title, r.Flow, strings.ReplaceAll(strings.ReplaceAll(r.Why, "\n", " "), "|", " "), r.Date, r.Seconds)
			continue
		}
		boot := ""
		if r.Booted {
			boot = "BTF in sysfs as written"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | vmlinux and %d modules = reference%s | %s | %s | %d s |\n", r.Kernel, r.Title, r.Flow, r.Modules, suffix(r.More), boot, r.Date, r.Seconds)
	}
	if len(not) > 0 {
		b.WriteString("\nNot run:\n\n" + strings.Join(not, ""))
	}
	return b.String()
}
