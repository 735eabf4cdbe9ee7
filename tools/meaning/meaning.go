// Package meaning tells for the tools that check gobtf whether two BTFs are equal in meaning, and where their bytes differ. It is
// gobtf diff's comparison. Whether bytes are equal is never asked here: that is for bytes.Equal.
package meaning

import (
	"bytes"
	"os"
	"strings"
	"sync"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/btf/diff/report"
)

// Comparer keeps the bases that it has read. Many goroutines may use it.
type Comparer struct {
	cmp   diff.Comparer
	mu    sync.Mutex
	bases map[string]func() (*btf.Types, error)
}

// base reads a base, once for each path; "" and "-" are none.
func (c *Comparer) base(path string) (*btf.Types, error) {
	if path == "" || path == "-" {
		return nil, nil
	}
	c.mu.Lock()
	get := c.bases[path]
	if get == nil {
		get = sync.OnceValues(func() (*btf.Types, error) { return btf.ReadFile(path, nil) })
		if c.bases == nil {
			c.bases = map[string]func() (*btf.Types, error){}
		}
		c.bases[path] = get
	}
	c.mu.Unlock()
	return get()
}

// Differ compares two files on a base, a BTF or an ELF file, and returns what differs in meaning, "" for nothing. A declaration is as good as a
// definition of its tag: which of the two a split BTF has depends on what its base has.
func (c *Comparer) Differ(base, a, b string) (string, error) {
	on, err := c.base(base)
	if err != nil {
		return "", err
	}
	x, err := btf.ReadFile(a, on)
	if err != nil {
		return "", err
	}
	y, err := btf.ReadFile(b, on)
	if err != nil {
		return "", err
	}
	return said(a, b, c.cmp.Compare(x, y, diff.Options{Declarations: true, NameA: a, NameB: b}), nil)
}

// Bytes says where two files of raw BTF differ, as gobtf diff --exact does. base is as for Differ.
func (c *Comparer) Bytes(base, a, b string) (string, error) {
	on, err := c.base(base)
	if err != nil {
		return "", err
	}
	var data [2][]byte
	var types [2]*btf.Types
	for i, path := range []string{a, b} {
		if data[i], err = os.ReadFile(path); err != nil {
			return "", err
		}
		if types[i], err = btf.Parse(data[i], on); err != nil {
			return "", err
		}
	}
	return said(a, b, c.cmp.Compare(types[0], types[1], diff.Options{NameA: a, NameB: b}), diff.CompareBytes(data[0], data[1], types[0], types[1]))
}

func said(a, b string, res *diff.Result, exact *diff.Exact) (string, error) {
	if res.Same && (exact == nil || exact.Equal) {
		return "", nil
	}
	r := &report.Report{A: a, B: b}
	r.Add("", res, exact)
	r.Finish()
	var out bytes.Buffer
	if err := r.Text(&out, report.TextOptions{}); err != nil {
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}
