// Package report shows what btf/diff found: as text, as JSON and as a page of HTML.
//
// In: a Report, which is one pair of files or many. Out: bytes for a reader. What they say is the same in all three forms; docs/json.md
// describes the JSON, and the page has the JSON in it.
//
// Before it: btf/diff. After it: cmd/gobtf.
package report

import (
	"encoding/json"
	"io"

	"github.com/gobtf/gobtf/btf/diff"
)

// Schema is what the JSON says of itself. A field may be added under the same number; one that is dropped or means something else
// needs another.
const Schema = "gobtf.diff/1"

// Report is one run of gobtf diff.
type Report struct {
	Schema string `json:"schema"`
	A      string `json:"a"` // the paths as they were given
	B      string `json:"b"`
	Same   bool   `json:"same"`
	Pairs  []Pair `json:"pairs"` // in the order of their paths; one for two files
}

// The states of a pair.
const (
	Same      = "same"
	Different = "different"
	OnlyA     = "only_a"
	OnlyB     = "only_b"
	Failed    = "failed"
)

// Pair is two files that were compared, or one that has no partner.
type Pair struct {
	Path   string       `json:"path"` // below the two folders; "" for two files
	State  string       `json:"state"`
	Error  string       `json:"error,omitempty"`
	Result *diff.Result `json:"result,omitempty"`
	Exact  *diff.Exact  `json:"exact,omitempty"`
}

// Add adds a pair that was compared.
func (r *Report) Add(path string, res *diff.Result, exact *diff.Exact) {
	p := Pair{Path: path, State: Same, Result: res, Exact: exact}
	if !res.Same || exact != nil && !exact.Equal {
		p.State = Different
	}
	r.Pairs = append(r.Pairs, p)
}

// Finish settles what the pairs say together.
func (r *Report) Finish() {
	r.Schema, r.Same = Schema, true
	for _, p := range r.Pairs {
		r.Same = r.Same && p.State == Same
	}
	if r.Pairs == nil {
		r.Pairs = []Pair{}
	}
}

// JSON writes a report as JSON.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}
