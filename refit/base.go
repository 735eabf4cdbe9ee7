package refit

import (
	"bytes"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
)

// ReadBase reads a kernel's BTF: BTF as such, or an ELF file with .BTF, either of them compressed or not (gzip, xz, zstd).
func ReadBase(path string) (*btf.Base, error) {
	t, err := readTypes(path)
	if err != nil {
		return nil, err
	}
	return btf.NewBase(t), nil
}

func readTypes(path string) (*btf.Types, error) {
	t, err := btf.ReadFile(path, nil)
	if err == nil {
		return t, nil
	}
	m, mapErr := elfx.Map(path)
	if mapErr != nil {
		return nil, err // which says more
	}
	defer m.Close()
	if m.Compression == "" {
		return nil, err
	}
	data := m.Data
	if bytes.HasPrefix(data, []byte("\x7fELF")) {
		f, err := elfx.FromBytes(path, data)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		s := f.Section(".BTF")
		if s == nil {
			return nil, fmt.Errorf("%s: %w", path, btf.ErrNoBTF)
		}
		if data, err = f.Data(s); err != nil {
			return nil, err
		}
	}
	if t, err = btf.Parse(bytes.Clone(data), nil); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
