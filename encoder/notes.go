package encoder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/internal/convert"
)

// maxNamed is how many units the summary names.
const maxNamed = 3

// report says what had to be left out or lowered, where the reference would have given
// up and written nothing: each with -V, and one line that counts them. Under Strict it
// is an error. Skeleton units and the like are warnings: the reference writes the same.
// Rule units/lowered.
func (j *job) report() error {
	t := j.table
	if j.opt.Trace != nil {
		for _, n := range t.notes {
			j.note("%s: %v", j.files[0].path, n)
		}
	}
	if n := firstOf(t.notes, convert.NoteWarning); n != nil && j.opt.Trace == nil {
		more := ""
		if k := countOf(t.notes, convert.NoteWarning); k > 1 {
			more = fmt.Sprintf(" (and %d more like it: -V lists them)", k-1)
		}
		j.note("%s: %v%s", j.files[0].path, n, more)
	}
	if err := j.reportTarget(); err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(t.notes), func(n convert.Note) bool { return n.Kind == convert.NoteWarning || n.Kind == convert.NoteTarget })
	if len(lost) == 0 {
		return nil
	}
	if j.opt.Strict {
		return fmt.Errorf("%s: %v", j.files[0].path, lost[0])
	}
	j.note("%s: %s", j.files[0].path, summary(lost, t.notesCut, j.opt.Trace != nil))
	return nil
}

// maxTarget is how many types that the target kernel cannot have are named.
const maxTarget = 20

// reportTarget names what the target kernel has no kind for, each by name and once, however many units have it.
func (j *job) reportTarget() error {
	seen := map[string]bool{}
	for i := range j.table.notes {
		n := &j.table.notes[i]
		if n.Kind != convert.NoteTarget || seen[n.Text] {
			continue
		}
		if j.opt.Strict {
			return fmt.Errorf("%s: enum %s: Linux %v has no ENUM64", j.files[0].path, n.Text, j.opt.Kernel)
		}
		if seen[n.Text] = true; len(seen) <= maxTarget {
			j.note("%s: enum %s: Linux %v has no ENUM64", j.files[0].path, n.Text, j.opt.Kernel)
		}
	}
	if more := len(seen) - maxTarget; more > 0 {
		j.note("%s: %d more enums of which only 32 bits are kept", j.files[0].path, more)
	}
	return nil
}

// summary is the one line about what is not in the BTF as the debug information has it.
func summary(notes []convert.Note, cut int, listed bool) string {
	var said []string
	var units, tags []string
	for _, n := range notes {
		if n.Kind == convert.NoteUnit {
			units = append(units, fmt.Sprintf("%s (%s)", n.CU, n.Tag))
		}
	}
	if n := len(units); n > 0 {
		names := strings.Join(units[:min(n, maxNamed)], ", ")
		if n > maxNamed {
			names += ", ..."
		}
		said = append(said, fmt.Sprintf("%s left out: %s", plural(n, "unit"), names))
	}
	for kind, verb := range map[convert.NoteKind]string{convert.NoteLowered: "lowered", convert.NoteLeftOut: "left out", convert.NoteCut: "cut"} {
		byTag := map[string]int{}
		for _, n := range notes {
			if n.Kind == kind {
				byTag[n.Tag]++
			}
		}
		for tag, n := range byTag {
			tags = append(tags, fmt.Sprintf("%d %s %s", n, tag, verb))
		}
	}
	slices.Sort(tags)
	said = append(said, tags...)
	if cut > 0 {
		said = append(said, fmt.Sprintf("%d more", cut))
	}
	s := strings.Join(said, ", ")
	if len(notes) == 1 && notes[0].Kind != convert.NoteUnit {
		return s + ": " + notes[0].String()
	}
	if !listed {
		s += " (-V lists each)"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func firstOf(notes []convert.Note, kind convert.NoteKind) *convert.Note {
	for i := range notes {
		if notes[i].Kind == kind {
			return &notes[i]
		}
	}
	return nil
}

func countOf(notes []convert.Note, kind convert.NoteKind) int {
	k := 0
	for i := range notes {
		if notes[i].Kind == kind {
			k++
		}
	}
	return k
}
