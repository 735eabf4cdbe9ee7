package elfx

import (
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// live is what this process has in hand that outlives a goroutine: temporary files, and mapped files.
var live = struct {
	sync.Mutex
	temp  map[*pending]bool
	files []mappedFile
	over  bool // Abandon was called
}{temp: map[*pending]bool{}}

// mappedFile is where a file is mapped.
type mappedFile struct {
	start, size uintptr
	path        string
	closed      bool // it was; a fault in it is looked at behind the deferred calls that close files
}

// Abandon removes all temporary files, and no file is put in another's place any more: whoever is about to waits for ever. A replacement
// that has begun is finished first. It is for programs that end now, whatever their goroutines do.
func Abandon() {
	live.Lock() // and never unlocked
	for p := range live.temp {
		_ = unix.Unlinkat(p.entry.dir, p.name, 0)
	}
	live.over = true
}

// ErrShrunk: another process made a file shorter while it was mapped here.
var ErrShrunk = errors.New("became shorter while it was read")

// Guard calls f and makes ErrShrunk of a memory fault in a mapped file; f must not hand the reading to other goroutines, or guard it
// there, too. Any other panic goes on.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if e := Fault(r); e != nil {
			err = e
			return
		}
		panic(r)
	}()
	return f()
}

// Fault returns ErrShrunk with the file's name when a recovered value is a memory fault in a mapped file, else nil.
func Fault(recovered any) error {
	at, ok := recovered.(interface{ Addr() uintptr })
	if !ok {
		return nil
	}
	live.Lock()
	defer live.Unlock()
	for _, m := range live.files {
		if at.Addr() >= m.start && at.Addr()-m.start < m.size {
			return &Error{m.path, "", ErrShrunk}
		}
	}
	return nil
}

func (m *Mapping) register(path string) {
	if !m.mapped {
		return
	}
	live.Lock()
	defer live.Unlock()
	live.files = slices.DeleteFunc(live.files, func(f mappedFile) bool { return f.closed })
	live.files = append(live.files, mappedFile{start: m.start(), size: uintptr(len(m.Data)), path: path})
}

func (m *Mapping) unregister() {
	live.Lock()
	defer live.Unlock()
	for i := range live.files {
		if live.files[i].start == m.start() {
			live.files[i].closed = true
		}
	}
}

func (m *Mapping) start() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(m.Data))) }
