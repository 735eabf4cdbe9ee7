package elfx

import (
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// privateMode is that of a file that replaces another, until it is complete.
const privateMode = 0o600

// worthCopying is the size from which copying a file takes noticeable time. Tests make it less.
var worthCopying uint64 = 32 << 20

// ahead is a copy of a file that is being made while something else is done. A goroutine has it until done is closed.
type ahead struct {
	stop atomic.Bool
	done chan struct{}

	p    *pending // nil: it could not be made, and whoever writes finds out why
	from unix.Stat_t
	n    int64 // bytes copied
}

// CopyAhead begins to copy the file to where SetSections will need it, beside what is done until then. Nothing is lost if SetSections is never
// called: Close removes the copy. It does nothing where it would not help: for small files, and those that are written anew as a whole.
func (f *File) CopyAhead() {
	o := f.m.origin
	if o == nil || f.m.file == nil || f.ahead != nil || f.Size() < worthCopying || unix.Faccessat(o.dir, o.name, unix.W_OK, 0) != nil {
		return
	}
	// A descriptor of its own, as reading moves the place in the file.
	src, err := o.entry.open()
	if err != nil {
		return
	}
	f.ahead = &ahead{done: make(chan struct{})}
	go f.ahead.copy(o, src)
}

func (a *ahead) copy(o *origin, src *os.File) {
	defer close(a.done)
	defer src.Close()
	if unix.Fstat(int(src.Fd()), &a.from) != nil || !sameFile(&a.from, &o.st) {
		return
	}
	o.removeStale()
	p := &pending{entry: o.entry}
	if p.create(privateMode) != nil {
		return
	}
	if reserve(p.tmp, a.from.Size) != nil {
		p.drop()
		return
	}
	const piece = 16 << 20
	for a.n < a.from.Size && !a.stop.Load() {
		n, err := io.Copy(p.tmp, &io.LimitedReader{R: src, N: min(piece, a.from.Size-a.n)})
		if err != nil || n == 0 {
			p.drop()
			return
		}
		a.n += n
	}
	a.p = p
}

// take returns what has been copied once there is no more to be copied, or nil. The caller has it from then on.
func (a *ahead) take(o *origin) (*pending, int64) {
	if a == nil {
		return nil, 0
	}
	<-a.done
	p := a.p
	a.p = nil
	if p == nil {
		return nil, 0
	}
	var now unix.Stat_t
	if unix.Fstat(int(o.file.Fd()), &now) != nil || now.Size != a.from.Size || now.Mtim != a.from.Mtim {
		p.drop() // someone has written to the file since
		return nil, 0
	}
	return p, a.n
}

// cancel removes what has been copied, if nobody took it.
func (a *ahead) cancel() {
	if a == nil {
		return
	}
	a.stop.Store(true)
	<-a.done
	if a.p != nil {
		a.p.drop()
		a.p = nil
	}
}
