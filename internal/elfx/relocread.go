package elfx

import (
	"io"
	"sort"
	"sync"
)

// relocatedReader reads a section with its relocations applied to what is read: nothing of the section stays in memory, and nothing of
// its relocations but where every indexStep-th of them applies.
type relocatedReader struct {
	a     relocation // b is not used
	index []uint64   // places of entries 0, indexStep, 2*indexStep, ...; they ascend, as all entries do
	n     int        // entries
	bufs  sync.Pool  // of *[]byte
}

const (
	indexStep = 256
	// maxField is how many bytes one relocation may change: a LEB128 number.
	maxField = 10
)

// relocatedReader returns a reader of s, whose relocations are r; nil when their entries do not lie in the order of the places that they
// apply to, as all known compilers and linkers write them, or lead out of the section.
func (f *File) relocatedReader(s, r *Section) (*relocatedReader, error) {
	a, err := f.relocation(s, r)
	if err != nil {
		return nil, err
	}
	x := &relocatedReader{a: *a, n: int(r.Size / uint64(a.size))}
	x.index = make([]uint64, 0, x.n/indexStep+1)
	buf := make([]byte, a.size*indexStep*16)
	last := uint64(0)
	for i := 0; i < x.n; {
		m := min(len(buf)/a.size, x.n-i)
		if err := f.read(buf[:m*a.size], r.Off+uint64(i*a.size)); err != nil {
			return nil, err
		}
		for k := range m {
			off := a.place(buf[k*a.size:])
			if off < last || off >= s.Size {
				return nil, nil
			}
			if (i+k)%indexStep == 0 {
				x.index = append(x.index, off)
			}
			last = off
		}
		i += m
	}
	return x, nil
}

// ReadAt reads a stretch of the section. A field that is only partly in it is read as if it were whole.
func (x *relocatedReader) ReadAt(p []byte, off int64) (int, error) {
	size := int64(x.a.s.Size)
	if off < 0 || off >= size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), size-off)
	// Fields may begin before the stretch and end behind it: some bytes more are read on both sides.
	from, to := max(0, off-maxField), min(size, off+n+maxField)
	first := sort.Search(len(x.index), func(i int) bool { return x.index[i] >= uint64(from) })
	last := sort.Search(len(x.index), func(i int) bool { return x.index[i] >= uint64(off+n) })
	lo, hi := max(0, first-1)*indexStep, min(x.n, last*indexStep)

	b, recs := x.buffer(int(to-from)), x.buffer((hi-lo)*x.a.size)
	defer x.bufs.Put(b)
	defer x.bufs.Put(recs)
	if err := x.a.f.read(*b, x.a.s.Off+uint64(from)); err != nil {
		return 0, err
	}
	if err := x.a.f.read(*recs, x.a.r.Off+uint64(lo*x.a.size)); err != nil {
		return 0, err
	}
	list := *recs
	for len(list) > 0 && x.a.place(list) < uint64(from) {
		list = list[x.a.size:]
	}
	end := len(list)
	for end > 0 && x.a.place(list[end-x.a.size:]) >= uint64(off+n) {
		end -= x.a.size
	}
	a := x.a
	a.b, a.from = *b, uint64(from)
	if err := a.apply(list[:end]); err != nil {
		return 0, x.a.f.fail("section "+x.a.r.label(), "%w", err)
	}
	copy(p, (*b)[off-from:][:n])
	if int(n) < len(p) {
		return int(n), io.EOF
	}
	return int(n), nil
}

func (x *relocatedReader) buffer(n int) *[]byte {
	b, _ := x.bufs.Get().(*[]byte)
	if b == nil || cap(*b) < n {
		s := make([]byte, n, n+n/4)
		b = &s
	}
	*b = (*b)[:n]
	return b
}
