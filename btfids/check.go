package btfids

import (
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/shown"
)

// Check compares what the section holds with what its symbols ask for and t, its base included, has. It returns a sentence for each thing
// that is wrong, in the order of their places:
//   - a word that is not the id of a type of the kind and name that its symbol says, where there is such a type, or not 0, where there is none;
//   - a list whose count is not that of its entries, whose ids do not ascend, or which has other ids than its symbols ask for.
//
// Where no word is filled in at all there is nothing to compare (Empty): the kernel's build does it late.
// Rules btfids/resolve, btfids/sorted.
func (s *Section) Check(t *btf.Types) []string {
	if len(s.requests) == 0 || s.Empty() {
		return nil
	}
	have := map[*request][]btf.TypeID{}
	for r, id := range s.matches(t) {
		have[r] = append(have[r], id)
	}
	var faults []fault
	inSet := func(off int) bool {
		return slices.ContainsFunc(s.sets, func(x set) bool { return off > x.at && off < x.at+x.size() })
	}
	for _, r := range s.requests {
		for _, off := range r.at {
			if inSet(off) {
				continue
			}
			if text := s.wrong(t, r, have[r], btf.TypeID(s.word(off))); text != "" {
				faults = append(faults, fault{off, fmt.Sprintf("the word at %#x %s", off, text)})
			}
		}
	}
	for _, x := range s.sets {
		faults = append(faults, s.checkSet(t, x, have)...)
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return a.at - b.at })
	out := make([]string, len(faults))
	for i, f := range faults {
		out[i] = f.text
	}
	return out
}

// fault is something wrong at a place of the section.
type fault struct {
	at   int
	text string
}

// Empty tells that the section asks for ids, and has none.
func (s *Section) Empty() bool {
	for _, r := range s.requests {
		for _, off := range r.at {
			if s.word(off) != 0 {
				return false
			}
		}
	}
	return len(s.requests) > 0
}

// wrong says why id is not what a request asks for, "" when it is.
func (s *Section) wrong(t *btf.Types, r *request, have []btf.TypeID, id btf.TypeID) string {
	switch {
	case slices.Contains(have, id), id == 0 && len(have) == 0:
		return ""
	case len(have) == 0:
		return fmt.Sprintf("is %s, and there is no %s %s", called(t, id), kindNames[r.kind], shown.Name(r.name))
	}
	return fmt.Sprintf("is %s, and %s %s is %d", called(t, id), kindNames[r.kind], shown.Name(r.name), have[0])
}

// called is an id with what it stands for.
func called(t *btf.Types, id btf.TypeID) string {
	if id == 0 || int(id) >= t.Len() {
		return fmt.Sprintf("%d", id)
	}
	rec := t.Record(id)
	if rec[0] == 0 {
		return fmt.Sprintf("%d (%v)", id, btf.InfoKind(rec[1]))
	}
	return fmt.Sprintf("%d (%v %s)", id, btf.InfoKind(rec[1]), shown.Name(string(t.StringBytes(rec[0]))))
}

// checkSet looks at a list that the kernel searches by bisection.
func (s *Section) checkSet(t *btf.Types, x set, have map[*request][]btf.TypeID) (faults []fault) {
	add := func(at int, format string, args ...any) {
		faults = append(faults, fault{at, fmt.Sprintf("list %s at %#x ", shown.Name(x.name), x.at) + fmt.Sprintf(format, args...)})
	}
	if n := int(s.word(x.at)); n != x.n {
		add(x.at, "says that it has %d entries, and has %d", n, x.n)
	}
	first, step := x.at+4, 4
	if x.pairs {
		first, step = x.at+8, 8
	}
	// Sorting moves ids away from their symbols: each request has to find one of its ids in the list.
	left := map[btf.TypeID]int{}
	last := int32(-1 << 31)
	sorted := true
	for i := range x.n {
		id := s.word(first + i*step)
		left[btf.TypeID(id)]++
		if int32(id) < last && sorted {
			sorted = false
			add(first+i*step, "does not ascend: %d stands behind %d, where a kernel searches by bisection", id, last)
		}
		last = int32(id)
	}
	for _, r := range s.requests {
		for _, off := range r.at {
			if off <= x.at || off >= x.at+x.size() {
				continue
			}
			found := false
			for _, id := range append(slices.Clone(have[r]), 0) {
				if left[id] > 0 && (id != 0 || len(have[r]) == 0) {
					left[id]--
					found = true
					break
				}
			}
			switch {
			case found:
			case len(have[r]) == 0:
				add(off, "has to have 0 for %s %s, which there is not", kindNames[r.kind], shown.Name(r.name))
			default:
				add(off, "has not %d, which is %s %s", have[r][0], kindNames[r.kind], shown.Name(r.name))
			}
		}
	}
	return faults
}
