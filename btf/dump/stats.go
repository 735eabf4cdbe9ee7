package dump

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// Stats says of what a BTF is made. Bytes are those of records, unless it says otherwise.
type Stats struct {
	Schema      string     `json:"schema"` // gobtf.stats/1
	Name        string     `json:"name"`
	Types       int        `json:"types"` // its own
	TypeBytes   int        `json:"type_bytes"`
	StringBytes int        `json:"string_bytes"` // of its own strings
	BaseTypes   int        `json:"base_types"`   // of what it continues, void not counted
	Used        int        `json:"used"`         // types of the base that its own refer to
	UsedBytes   int        `json:"used_bytes"`   // what these would take if they were its own
	Kinds       []KindStat `json:"kinds"`        // the most bytes first
	Largest     []TypeStat `json:"largest"`      // with what they alone need
	DWARF       *DWARFStat `json:"dwarf,omitempty"`
}

// DWARFStat is what there was before equal types became one.
type DWARFStat struct {
	InfoBytes uint64     `json:"info_bytes"` // of .debug_info
	Types     int        `json:"types"`      // that it defines, a copy for each unit that has it
	TypeBytes int        `json:"type_bytes"` // that they would take in BTF
	Kinds     []KindStat `json:"kinds"`      // the most bytes first
}

// KindStat counts the types of a kind.
type KindStat struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	Bytes int    `json:"bytes"`
	Used  int    `json:"used"` // of the base, referred to
}

// TypeStat is one type.
type TypeStat struct {
	ID    btf.TypeID `json:"id"`
	Decl  string     `json:"decl"`
	Bytes int        `json:"bytes"`
}

// StatsOf counts. The n largest types are named.
func StatsOf(ts *btf.Types, name string, n int) *Stats {
	s := &Stats{Schema: "gobtf.stats/1", Name: name, BaseTypes: int(ts.Start()) - 1, StringBytes: len(ts.Strings()), Kinds: []KindStat{}, Largest: []TypeStat{}}
	own, used := ts.CountKinds()
	for k := range own {
		s.Types += own[k].Types
		s.TypeBytes += own[k].Bytes
		s.Used += used[k].Types
		s.UsedBytes += used[k].Bytes
		if own[k].Types > 0 || used[k].Types > 0 {
			s.Kinds = append(s.Kinds, KindStat{btf.Kind(k).String(), own[k].Types, own[k].Bytes, used[k].Types})
		}
	}
	var all []TypeStat
	for id, t := range ts.All() {
		all = append(all, TypeStat{ID: id, Bytes: 4 * len(t.Record())})
	}
	SortKinds(s.Kinds)
	slices.SortStableFunc(all, func(a, b TypeStat) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, t := range all[:min(n, len(all))] {
		x := ts.Type(t.ID)
		if t.Decl = cdecl.Noun(x); x.Kind() == btf.FuncProto {
			t.Decl = cdecl.TypeString(ts, t.ID)
		}
		if x.Kind() == btf.Datasec {
			t.Decl = "section " + x.Name()
		}
		s.Largest = append(s.Largest, t)
	}
	return s
}

// SortKinds puts kinds in the order of a table: the most bytes first.
func SortKinds(kinds []KindStat) {
	slices.SortStableFunc(kinds, func(a, b KindStat) int { return cmp.Compare(b.Bytes, a.Bytes) })
}

func (d *DWARFStat) text(b io.Writer, s *Stats) {
	fmt.Fprintf(b, "\n%d bytes of .debug_info define %d types, which would take %d bytes", d.InfoBytes, d.Types, d.TypeBytes)
	fmt.Fprintf(b, ": %.1f%% of them are saved, as equal types are one", 100*(1-float64(s.TypeBytes)/float64(max(1, d.TypeBytes))))
	if s.BaseTypes > 0 {
		fmt.Fprintf(b, ", or the base's")
	}
	fmt.Fprintf(b, "\n\n%-12s %9s %12s %9s %12s %7s\n", "kind", "in DWARF", "bytes", "in BTF", "bytes", "saved")
	for _, k := range d.Kinds {
		var own KindStat
		for _, o := range s.Kinds {
			if o.Kind == k.Kind {
				own = o
			}
		}
		fmt.Fprintf(b, "%-12s %9d %12d %9d %12d %6.1f%%\n", k.Kind, k.Count, k.Bytes, own.Count, own.Bytes, 100*(1-float64(own.Bytes)/float64(max(1, k.Bytes))))
	}
}

// Text writes the figures as a table.
func (s *Stats) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s: %d types in %d bytes, %d bytes of strings", s.Name, s.Types, s.TypeBytes, s.StringBytes)
	if s.BaseTypes > 0 {
		fmt.Fprintf(b, "; on a base of %d types, of which %d (%d bytes) are used", s.BaseTypes, s.Used, s.UsedBytes)
	}
	fmt.Fprintf(b, "\n\n%-12s %9s %12s %7s", "kind", "types", "bytes", "")
	if s.BaseTypes > 0 {
		fmt.Fprintf(b, " %12s", "of the base")
	}
	fmt.Fprintln(b)
	for _, k := range s.Kinds {
		fmt.Fprintf(b, "%-12s %9d %12d %6.1f%%", k.Kind, k.Count, k.Bytes, 100*float64(k.Bytes)/float64(max(1, s.TypeBytes+s.StringBytes)))
		if s.BaseTypes > 0 {
			fmt.Fprintf(b, " %12d", k.Used)
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintf(b, "%-12s %9s %12d %6.1f%%\n", "strings", "", s.StringBytes, 100*float64(s.StringBytes)/float64(max(1, s.TypeBytes+s.StringBytes)))
	if len(s.Largest) > 0 {
		fmt.Fprintf(b, "\nlargest\n")
	}
	for _, t := range s.Largest {
		fmt.Fprintf(b, "%12d  [%d] %s\n", t.Bytes, t.ID, t.Decl)
	}
	if s.DWARF != nil {
		s.DWARF.text(b, s)
	}
	return b.Flush()
}
