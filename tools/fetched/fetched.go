// Package fetched finds what scripts/fetch/kernel has unpacked.
package fetched

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Modules returns the modules below a folder, in the order of their paths.
func Modules(dir string) (list []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko") {
			list = append(list, path)
		}
		return err
	})
	slices.Sort(list)
	return list, err
}
