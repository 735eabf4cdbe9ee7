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

// unitsPerJob is how many units a worker may be ahead of the merge: a unit's types
// wait in memory until all units before it are merged. Large units come late in a
// vmlinux, so a window of a few units keeps all workers busy.
const unitsPerJob = 8

// inOrder converts all units with so many workers and hands each to merge, in file
// order and one at a time. A unit's slices are used again once merge returns. The
// error that is returned is the first in the file, not the first in time.
// Rule units/order.
func inOrder(ctx context.Context, conv *convert.Converter, first, jobs int, merge func(*convert.Unit) error) error {
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
			if err := guarded(i, func() error { return merge(u) }); err != nil {
				return err
			}
		}
		return nil
	}
	p := &pipeline{conv: conv, first: first, merge: merge, slot: make([]*convert.Unit, jobs*unitsPerJob), n: n}
	p.room = sync.NewCond(&p.mu)
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
// window; whoever finds the next unit to merge in its slot merges it.
type pipeline struct {
	conv  *convert.Converter
	first int
	merge func(*convert.Unit) error
	n     int

	mu      sync.Mutex
	room    *sync.Cond
	slot    []*convert.Unit // converted, waiting
	free    []*convert.Unit
	next    int // to convert
	merged  int // units merged
	merging bool
	failed  int // unit of err
	err     error
}

func (p *pipeline) work(ctx context.Context) {
	w := p.conv.NewWorker()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for p.next < p.n && p.next-p.merged >= len(p.slot) && p.err == nil {
			p.room.Wait()
		}
		if p.err == nil && ctx.Err() != nil {
			p.fail(p.next, ctx.Err())
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
		p.mergeReady()
	}
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

func (p *pipeline) mergeReady() {
	if p.merging {
		return // another worker is at it and looks again
	}
	p.merging = true
	for {
		s := p.merged % len(p.slot)
		u := p.slot[s]
		if u == nil {
			break
		}
		p.slot[s] = nil
		p.mu.Unlock()
		err := guarded(p.merged, func() error { return p.merge(u) })
		p.mu.Lock()
		if err != nil {
			p.fail(p.merged, err)
			break
		}
		p.merged++
		p.free = append(p.free, u)
		p.room.Broadcast()
	}
	p.merging = false
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
