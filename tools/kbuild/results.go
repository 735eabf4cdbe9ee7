package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	// The page must not name this machine's folders.
	defer func() { r.Why = strings.ReplaceAll(r.Why, c.m.work+"/", "build/kbuild/") }()
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
	return list, nil
}

const mark = "<!-- kbuild-test -->\n"

// writeDocs puts a row for each result between the marks in a page. Rows of cells that have no result here stay: a machine that built one
// cell must not take the others' away.
func writeDocs(page, dir string) error {
	list, err := readResults(dir)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	parts := strings.Split(string(b), mark)
	if len(parts) != 3 {
		return fmt.Errorf("%s does not have two lines %q", page, strings.TrimSpace(mark))
	}
	rows := readRows(parts[1])
	for _, r := range list {
		rows[key{r.Series, r.Way}] = r.row()
	}
	return os.WriteFile(page, []byte(parts[0]+mark+table(rows)+mark+parts[2]), 0o644)
}

// key names a cell.
type key struct{ series, way string }

const tableHead = "| kernel | `WAYS=` | what | BTF compared | started in qemu | date | time |\n|---|---|---|---|---|---|---|\n"

// row is a cell's line of the table.
func (r *result) row() string {
	kernel, compared, boot := r.Kernel, "", ""
	if kernel == "" {
		kernel = r.Series
	}
	switch {
	case r.Status == "not run":
		compared = "not run: " + r.Why
	case r.Status == "failed":
		compared = "**fails**: " + r.Why
	default:
		compared = fmt.Sprintf("%s: vmlinux and %d modules = reference%s", r.Flow, r.Modules, suffix(r.More))
		if olderThan(r.Series, "5.11") {
			compared = fmt.Sprintf("%s: vmlinux = reference; modules have no BTF before 5.11%s", r.Flow, suffix(r.More))
		}
	}
	if r.Booted {
		boot = "yes, sysfs shows what was written"
	}
	text := strings.NewReplacer("\n", " ", "|", "/")
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s | %s | %d s |\n", strings.TrimSuffix(kernel, "-gobtf"), r.Way, r.Title, text.Replace(compared), boot, r.Date, r.Seconds)
}

// readRows reads a table that row wrote. What is not a row of a way that there is goes.
func readRows(text string) map[key]string {
	rows := map[key]string{}
	for line := range strings.Lines(text) {
		f := strings.Split(line, " | ")
		if len(f) < 3 {
			continue
		}
		way := strings.Trim(f[1], "`")
		if _, ok := wayNamed(way); ok {
			rows[key{seriesOf(strings.TrimPrefix(f[0], "| ")), way}] = line
		}
	}
	return rows
}

// seriesOf is the series of a release: 6.12 of 6.12.118, and 7 of 7.2.13.
func seriesOf(release string) string {
	f := strings.SplitN(release, ".", 3)
	if len(f) < 2 || f[0] == "7" {
		return f[0]
	}
	return f[0] + "." + f[1]
}

func table(rows map[key]string) string {
	keys := slices.Collect(maps.Keys(rows))
	names := wayNames()
	slices.SortFunc(keys, func(a, b key) int {
		if d := slices.Compare(numbers(a.series), numbers(b.series)); d != 0 {
			return d
		}
		return slices.Index(names, a.way) - slices.Index(names, b.way)
	})
	b := tableHead
	for _, k := range keys {
		b += rows[k]
	}
	return b
}
