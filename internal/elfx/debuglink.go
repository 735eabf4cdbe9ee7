package elfx

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
)

// DebugDirs is where distributions put debug files.
var DebugDirs = []string{"/usr/lib/debug"}

// FindDebug looks for the file that holds the debug information split off from f: by build id
// under DIR/.build-id, then by the name in .gnu_debuglink next to f, in .debug beside it, under DIR
// with f's own folder and in DIR itself. A candidate counts only when build id or checksum match. It
// returns nil when there is none. DIR is each of dirs, then each of DebugDirs.
// Rule elf/debug-file.
func (f *File) FindDebug(dirs []string) (*File, error) {
	dirs = slices.Concat(dirs, DebugDirs)
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		path = f.Path
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, &Error{f.Path, "", cause(err)}
	}
	if id := f.BuildID(); len(id) > 1 {
		x := hex.EncodeToString(id)
		for _, dir := range dirs {
			name := filepath.Join(dir, ".build-id", x[:2], x[2:]+".debug")
			d := f.tryDebug(name, func(d *File) bool { return bytes.Equal(d.BuildID(), id) })
			if d != nil {
				return d, nil
			}
		}
	}
	name, sum, err := f.debugLink()
	if name == "" || err != nil {
		return nil, err
	}
	here := filepath.Dir(path)
	names := []string{filepath.Join(here, name), filepath.Join(here, ".debug", name)}
	for _, dir := range dirs {
		names = append(names, filepath.Join(dir, here, name), filepath.Join(dir, name))
	}
	for _, name := range names {
		d := f.tryDebug(name, func(d *File) bool { return crc32.ChecksumIEEE(d.data) == sum })
		if d != nil {
			return d, nil
		}
	}
	return nil, nil
}

// OpenDebug opens a file that is said to hold the debug information of f. It is an error when its build id is another, and when there is none.
func (f *File) OpenDebug(path string) (*File, error) {
	id := f.BuildID()
	d := f.tryDebug(path, func(d *File) bool { return len(id) > 1 && bytes.Equal(d.BuildID(), id) })
	if d == nil {
		return nil, &Error{f.Path, "", fmt.Errorf("%s does not have its debug information", path)}
	}
	return d, nil
}

// debugLink reads .gnu_debuglink: a name, zeros up to a multiple of 4, a checksum.
func (f *File) debugLink() (name string, sum uint32, err error) {
	s := f.Section(".gnu_debuglink")
	if s == nil {
		return "", 0, nil
	}
	b, err := f.Data(s)
	if err != nil {
		return "", 0, err
	}
	n := bytes.IndexByte(b, 0)
	if n < 0 || len(b) < (n+4)&^3+4 {
		return "", 0, f.fail("section .gnu_debuglink", "is cut off")
	}
	// A name only: a path would lead anywhere.
	if name = string(b[:n]); name != filepath.Base(name) || name == ".." || name == "." {
		return "", 0, nil
	}
	return name, f.u32(b[(n+4)&^3:]), nil
}

// tryDebug opens a candidate; what cannot be opened or does not fit is none.
func (f *File) tryDebug(name string, fits func(*File) bool) *File {
	st, err := os.Stat(name)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	if me, err := os.Stat(f.Path); err == nil && os.SameFile(st, me) {
		return nil
	}
	d, err := Open(name)
	if err != nil {
		return nil
	}
	info := d.Section(".debug_info")
	if d.Machine != f.Machine || d.Class64 != f.Class64 || info == nil || info.Type == uint32(elf.SHT_NOBITS) || !fits(d) {
		d.Close()
		return nil
	}
	return d
}
