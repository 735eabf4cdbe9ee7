package elfx

import (
	"bytes"
	"encoding/hex"
	"path/filepath"
	"slices"
)

// FindAlternate looks for the file that dwz moved debug information to which several
// files have in common. .gnu_debugaltlink has its name, from the folder of f, and its
// build id. Places: that name, then under each of dirs and of DebugDirs by build id. It returns nil
// when there is none that fits, and an empty name when f needs none.
func (f *File) FindAlternate(dirs []string) (alt *File, name string, err error) {
	s := f.Section(".gnu_debugaltlink")
	if s == nil {
		return nil, "", nil
	}
	b, err := f.Data(s)
	if err != nil {
		return nil, "", err
	}
	n := bytes.IndexByte(b, 0)
	if n <= 0 || n+1 == len(b) {
		return nil, "", f.fail("section .gnu_debugaltlink", "is cut off")
	}
	name = string(b[:n])
	id := b[n+1:]
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		path = f.Path
	}
	first := name
	if !filepath.IsAbs(name) {
		first = filepath.Join(filepath.Dir(path), name)
	}
	names := []string{first}
	if len(id) > 1 {
		x := hex.EncodeToString(id)
		for _, dir := range slices.Concat(dirs, DebugDirs) {
			names = append(names, filepath.Join(dir, ".build-id", x[:2], x[2:]+".debug"), filepath.Join(dir, ".dwz", filepath.Base(name)))
		}
	}
	for _, p := range names {
		if alt = f.tryDebug(p, func(d *File) bool { return bytes.Equal(d.BuildID(), id) }); alt != nil {
			return alt, name, nil
		}
	}
	return nil, name, nil
}
