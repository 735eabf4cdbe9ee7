package main

import (
	"io"
	"os"
	"path/filepath"
)

// writeWhole writes a report to a file, whole or not at all. BTF and modules have a stricter way (internal/elfx).
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".gobtf-report-*")
	if err != nil {
		return at(err, path)
	}
	defer os.Remove(f.Name()) // is gone after the rename
	err = write(f)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return at(err, path)
}
