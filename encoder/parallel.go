package encoder

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/elfx"
)

// unitsPerJob is how many units a worker may be ahead of those that have their place: a unit's types
// wait in memory until all units before it have theirs. Large units come late in a
// vmlinux, so a window of a few units keeps all workers busy.
const unitsPerJob = 4

// sink is where units go.
type sink interface {
	// place is called for one unit after the other, in file order. What it returns is called afterwards, at the same time as for other
	// units and in any order; nil is nothing. The unit's slices are used again then.
	place(*convert.Unit) (fill func(), err error)
	// fits tells whether place leaves in peace what is being filled. If not, it is called when nothing is.
	fits(*convert.Unit) bool
}

// inOrder converts all units with so many workers and hands each to a sink. The error that is returned is the first in the file, not the
// first in time.
// Rule units/order.
func inOrder(ctx context.Context, conv *convert.Converter, first, jobs int, to sink) error {
	n := conv.Len()
	if jobs <= 1 {
		w, u := conv.NewWorker(), &convert.Unit{}
		for i := 0; i < n; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := guarded(i, func() error { return w.Convert(i, first+i, u) }); err != nil {
				return err
			}
			err := guarded(i, func() error {
				fill, err := to.place(u)
				if err == nil && fill != nil {
					fill()
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	p := &pipeline{conv: conv, first: first, to: to, slot: make([]*convert.Unit, jobs*unitsPerJob), n: n}
	p.room, p.filled = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	var wg sync.WaitGroup
	for range jobs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p.work(ctx)
		}()
	}
	wg.Wait()
	return p.err
}

// pipeline is the state of inOrder's workers. Unit i waits in slot i modulo the
// window; whoever finds the next unit to place in its slot places it, and any worker fills it.
type pipeline struct {
	conv  *convert.Converter
	first int
	to    sink
	n     int

	mu      sync.Mutex
	room    *sync.Cond
	slot    []*convert.Unit // converted, waiting
	free    []*convert.Unit
	placed  []placed   // to be filled
	filling int        // how many units are being filled
	filled  *sync.Cond // none is
	next    int        // to convert
	behind  int        // units placed
	placing bool
	failed  int // unit of err
	err     error
}

// placed is a unit that has its place, and what fills it.
type placed struct {
	u    *convert.Unit
	i    int
	fill func()
}

func (p *pipeline) work(ctx context.Context) {
	w := p.conv.NewWorker()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for p.next < p.n && p.next-p.behind >= len(p.slot) && len(p.placed) == 0 && p.err == nil {
			p.room.Wait()
		}
		if p.err == nil && ctx.Err() != nil {
			p.fail(p.next, ctx.Err())
		}
		if p.err == nil && len(p.placed) > 0 {
			p.fillOne()
			continue
		}
		if p.next >= p.n || p.err != nil {
			p.room.Broadcast()
			return
		}
		i := p.next
		p.next++
		u := p.unit()
		p.mu.Unlock()
		err := guarded(i, func() error { return w.Convert(i, p.first+i, u) })
		p.mu.Lock()
		if err != nil {
			p.fail(i, err)
			continue
		}
		p.slot[i%len(p.slot)] = u
		p.placeReady()
	}
}

// fillOne fills the unit that was placed last: it is the most likely to be in the cache.
func (p *pipeline) fillOne() {
	x := p.placed[len(p.placed)-1]
	p.placed = p.placed[:len(p.placed)-1]
	p.filling++
	p.mu.Unlock()
	err := guarded(x.i, func() error { x.fill(); return nil })
	p.mu.Lock()
	if p.filling--; p.filling == 0 {
		p.filled.Signal()
	}
	if err != nil {
		p.fail(x.i, err)
	}
	p.free = append(p.free, x.u)
}

// fail keeps the error of the lowest unit. Units before it still finish.
func (p *pipeline) fail(unit int, err error) {
	if p.err == nil || unit < p.failed {
		p.failed, p.err = unit, err
	}
	p.room.Broadcast()
}

func (p *pipeline) unit() *convert.Unit {
	if n := len(p.free); n > 0 {
		u := p.free[n-1]
		p.free = p.free[:n-1]
		return u
	}
	return &convert.Unit{}
}

func (p *pipeline) placeReady() {
	if p.placing {
		return // another worker is at it and looks again
	}
	p.placing = true
	for {
		s := p.behind % len(p.slot)
		u := p.slot[s]
		if u == nil {
			break
		}
		p.slot[s] = nil
		if !p.to.fits(u) {
			p.fillAll()
		}
		p.mu.Unlock()
		var fill func()
		err := guarded(p.behind, func() (err error) { fill, err = p.to.place(u); return err })
		p.mu.Lock()
		if err != nil {
			p.fail(p.behind, err)
			break
		}
		if fill != nil {
			p.placed = append(p.placed, placed{u, p.behind, fill})
		} else {
			p.free = append(p.free, u)
		}
		p.behind++
		p.room.Signal()
	}
	p.placing = false
}

// fillAll returns when nothing is to be filled or being filled.
func (p *pipeline) fillAll() {
	for len(p.placed) > 0 {
		p.fillOne()
	}
	for p.filling > 0 {
		p.filled.Wait()
	}
}

// guarded makes an error of a panic. A worker may hold no lock when it panics, and its deferred unlock would end the program with another
// message than the panic's.
func guarded(unit int, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if elfx.Fault(r) != nil {
				err = elfx.ErrShrunk // whoever asked for the units names their file
				return
			}
			err = fmt.Errorf("unit %d: internal error: %v at %s", unit, r, panicPlace())
		}
	}()
	return f()
}

// panicPlace is the line of code that panicked: the first behind the runtime's own.
func panicPlace() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
