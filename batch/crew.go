package batch

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gobtf/gobtf/module"
)

// crew works on files side by side: so many at once, as far as memory has room. All commands that take many files have one.
type crew struct {
	workers int
	room    *room
}

// each calls do with every number below n, by several goroutines at once, in order. size says how large a file is, in bytes. It ends
// early, and after what was begun, when ctx does.
func (c *crew) each(ctx context.Context, n int, size func(i int) int64, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(max(1, c.workers), n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				need := size(i) * memoryFactor
				c.room.enter(need)
				do(i)
				c.room.leave(need)
			}
		}()
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
}

// Input is a file to be worked on.
type Input struct {
	Path string
	Size int64 // bytes
}

// Modules returns the modules below a folder, in the order of their paths. Links are not followed: under /lib/modules they lead to the
// build.
func Modules(dir string) (list []Input, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !IsModule(path) {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			list = append(list, Input{path, fi.Size()})
		}
		return err
	})
	return list, err
}

// Links lists the symbolic links below a folder that have the name of a module and lead to a file outside of the folder, as weak-modules
// makes them in weak-updates. Those that lead nowhere are not among them.
func Links(dir string) (list []Input, err error) {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 || !IsModule(path) {
			return err
		}
		to, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil // nowhere
		}
		fi, err := os.Stat(to)
		if rel, e := filepath.Rel(top, to); err != nil || !fi.Mode().IsRegular() || e == nil && filepath.IsLocal(rel) {
			return nil
		}
		list = append(list, Input{path, fi.Size()})
		return nil
	})
	return list, err
}

// moduleSuffixes are how the names of modules end, below /lib/modules.
var moduleSuffixes = []string{".ko", ".ko.gz", ".ko.xz", ".ko.zst"}

// IsModule tells whether a file's name is a module's.
func IsModule(path string) bool {
	return slices.ContainsFunc(moduleSuffixes, func(s string) bool { return strings.HasSuffix(path, s) })
}

// InOrder calls do for each file, for so many at once as jobs says. A file is begun when all together take at most memory bytes, by
// estimate; 0 is no limit, and one file always goes. done gets the results in the order of the files, one at a time; that another
// process cut a file meanwhile is an error of that file (module.Guard). When ctx ends, so does it, after what was begun; its error is
// returned, and files that were not begun are not told of.
func InOrder[T any](ctx context.Context, files []Input, jobs int, memory uint64, do func(path string) (T, error), done func(path string, result T, err error)) error {
	type result struct {
		value T
		err   error
		ready bool
	}
	var mu sync.Mutex
	results := make([]result, len(files))
	told := 0
	c := crew{jobs, &room{limit: int64(memory)}}
	c.each(ctx, len(files), func(i int) int64 { return files[i].Size }, func(i int) {
		r := result{ready: true}
		r.err = module.Guard(func() (err error) {
			r.value, err = do(files[i].Path)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		results[i] = r
		for ; told < len(files) && results[told].ready; told++ {
			done(files[told].Path, results[told].value, results[told].err)
			results[told] = result{} // nobody asks for it again
		}
	})
	return ctx.Err()
}
