package dump

import (
	"bufio"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// cacheLine is how many bytes a line of a processor's cache has on the machines that most kernels are built for.
const cacheLine = 64

// Layout is how a struct or union lies in memory. Offsets and sizes are in bytes.
type Layout struct {
	Decl       string // struct NAME
	Size       uint32
	CacheLines uint32
	Members    int
	Sum        uint32 // of the members' bytes, without bitfields
	SumBits    uint32 // of the bitfields' bits
	Holes      int
	SumHoles   uint32
	BitHoles   int
	SumBitHole uint32 // bits
	Padding    uint32 // behind the last member
	BitPadding uint32 // bits that the last bitfield's bytes have left
	Lines      []LayoutLine
}

// LayoutLine is a member, a hole, or the beginning of a cache line.
type LayoutLine struct {
	Depth  int // inside of how many anonymous structs and unions
	Text   string
	Offset uint32 // bytes
	Bit    uint32 // of a bitfield, in the byte
	Bits   uint32 // of a bitfield
	Size   uint32
	Hole   uint32 // bytes, a hole and no member
	HoleB  uint32 // bits, the same
}

// LayoutOf works out the layout of a type, behind typedefs and qualifiers. as is the size of an address.
func LayoutOf(ts *btf.Types, id btf.TypeID, as uint32) (*Layout, error) {
	for n := 0; n < maxChain; n++ {
		t := ts.Type(id)
		switch t.Kind() {
		case btf.Struct, btf.Union:
			l := &Layout{Decl: head(t), Size: t.Size(), CacheLines: (t.Size() + cacheLine - 1) / cacheLine}
			l.fill(ts, t, as)
			l.lines(ts, t, as, 0, 0)
			return l, nil
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = t.Ref()
			continue
		default: // other kinds: they have no members
		}
		return nil, fmt.Errorf("%s %s has no members", t.Kind(), t.Name())
	}
	return nil, fmt.Errorf("type %d: its chain of typedefs has no end", id)
}

const maxChain = 256

func head(t btf.Type) string {
	word := "struct"
	if t.Kind() == btf.Union {
		word = "union"
	}
	if t.Name() == "" {
		return word
	}
	return word + " " + t.Name()
}

// end of a member in bits, and where it begins.
type span struct{ from, to uint32 }

// fill counts holes and padding of the struct itself; those inside of members are theirs.
func (l *Layout) fill(ts *btf.Types, t btf.Type, as uint32) {
	union := t.Kind() == btf.Union
	last := span{}
	for m := range t.Members() {
		l.Members++
		size := ts.SizeOf(m.Type, as)
		s := span{m.Bit, m.Bit + 8*size}
		if m.Bits != 0 {
			s.to = m.Bit + m.Bits
			l.SumBits += m.Bits
		} else {
			l.Sum += size
		}
		if !union {
			l.hole(last.to, s.from)
		}
		if s.to > last.to || !union {
			last = s
		}
	}
	end := 8 * t.Size()
	if l.Members > 0 && last.to < end {
		l.BitPadding = (8 - last.to%8) % 8
		l.Padding = (end - last.to) / 8
	}
}

// hole counts what lies between two members: whole bytes as a hole, and what is left of a byte as bits.
func (l *Layout) hole(from, to uint32) {
	bytes, bits := gap(from, to)
	if bytes > 0 {
		l.Holes++
		l.SumHoles += bytes
	}
	if bits > 0 {
		l.BitHoles++
		l.SumBitHole += bits
	}
}

// gap divides the bits between two places into those of bytes that are begun and whole bytes.
func gap(from, to uint32) (bytes, bits uint32) {
	if to <= from {
		return 0, 0
	}
	up := (from + 7) &^ 7
	if up > to {
		return 0, to - from
	}
	return (to - up) / 8, up - from + (to-up)%8
}

// lines writes down the members, those of anonymous structs and unions where they lie.
func (l *Layout) lines(ts *btf.Types, t btf.Type, as, base uint32, depth int) {
	union := t.Kind() == btf.Union
	last := uint32(0)
	for m := range t.Members() {
		size := ts.SizeOf(m.Type, as)
		if !union {
			if bytes, bits := gap(last, m.Bit); bytes > 0 || bits > 0 {
				l.Lines = append(l.Lines, LayoutLine{Depth: depth, Offset: base + (last+7)/8, Hole: bytes, HoleB: bits})
			}
		}
		line := LayoutLine{Depth: depth, Offset: base + m.Bit/8, Size: size, Text: cdecl.Declare(ts, m.Type, m.Name)}
		last = m.Bit + 8*size
		if m.Bits != 0 {
			line.Bit, line.Bits = m.Bit%8, m.Bits
			last = m.Bit + m.Bits
		}
		inner := ts.Type(m.Type)
		if k := inner.Kind(); (k == btf.Struct || k == btf.Union) && inner.Name() == "" && m.Name == "" && depth < maxDepth {
			line.Text = head(inner)
			l.Lines = append(l.Lines, line)
			l.lines(ts, inner, as, line.Offset, depth+1)
			continue
		}
		l.Lines = append(l.Lines, line)
	}
	if end := 8 * t.Size(); !union && last < end && t.Vlen() > 0 {
		bytes, bits := gap(last, end)
		l.Lines = append(l.Lines, LayoutLine{Depth: depth, Offset: base + (last+7)/8, Hole: bytes, HoleB: bits})
	}
}

const maxDepth = 32

// Text writes the layout as a table: offset, size, member.
func (l *Layout) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s: %d bytes, %s\n", l.Decl, l.Size, count(int(l.CacheLines), "cache line"))
	fmt.Fprintf(b, "  offset   size\n")
	line := uint32(0)
	for _, x := range l.Lines {
		for x.Offset/cacheLine > line {
			line++
			fmt.Fprintf(b, "-------- cache line %d, at %d\n", line, line*cacheLine)
		}
		pad := fmt.Sprintf("%*s", 2*x.Depth, "")
		switch {
		case x.Hole > 0 || x.HoleB > 0:
			what := ""
			if x.Hole > 0 {
				what = count(int(x.Hole), "byte")
			}
			if x.HoleB > 0 {
				if what != "" {
					what += " and "
				}
				what += count(int(x.HoleB), "bit")
			}
			fmt.Fprintf(b, "%8d %6s   %s(hole: %s)\n", x.Offset, "", pad, what)
		case x.Bits > 0:
			fmt.Fprintf(b, "%6d:%d %6s   %s%s:%d\n", x.Offset, x.Bit, "", pad, x.Text, x.Bits)
		default:
			fmt.Fprintf(b, "%8d %6d   %s%s\n", x.Offset, x.Size, pad, x.Text)
		}
	}
	fmt.Fprintf(b, "%s of %d bytes", count(l.Members, "member"), l.Sum)
	if l.SumBits > 0 {
		fmt.Fprintf(b, " and %s", count(int(l.SumBits), "bit"))
	}
	fmt.Fprintf(b, "; %s of %d bytes", count(l.Holes, "hole"), l.SumHoles)
	if l.BitHoles > 0 {
		fmt.Fprintf(b, "; %s of %d bits", count(l.BitHoles, "bit hole"), l.SumBitHole)
	}
	fmt.Fprintf(b, "; padding %d bytes", l.Padding)
	if l.BitPadding > 0 {
		fmt.Fprintf(b, " and %s", count(int(l.BitPadding), "bit"))
	}
	fmt.Fprintln(b)
	return b.Flush()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
