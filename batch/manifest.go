package batch

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Schema is what a manifest says of itself. docs/json.md describes it.
const Schema = "gobtf.batch/1"

// Manifest says what became of each file.
type Manifest struct {
	Schema  string  `json:"schema"`
	Version string  `json:"version"`         // of gobtf
	Flags   string  `json:"flags"`           // how files were encoded
	Shard   string  `json:"shard,omitempty"` // I/N, when this is a part
	OK      int     `json:"ok"`
	Empty   int     `json:"empty"`
	Failed  int     `json:"failed"`
	Types   int     `json:"types"`
	Bytes   int     `json:"bytes"`
	Spooled int64   `json:"spooled,omitempty"` // bytes of files out of packages that lay on disk at once, at most
	Files   []Entry `json:"files"`             // in the order of their paths

	byPath map[string]int
}

// State is what became of a file.
type State string

// The states.
const (
	OK     State = "ok"
	Empty  State = "empty"  // there was nothing to encode
	Failed State = "failed" // Error says why
)

// Entry is what became of one file. Hashes are SHA-256.
type Entry struct {
	Path         string   `json:"path"`
	State        State    `json:"state"`
	Error        string   `json:"error,omitempty"`
	Out          string   `json:"out,omitempty"`      // "": in place
	Input        string   `json:"input"`              // hash of the file as it was
	BuildID      string   `json:"build_id,omitempty"` // as readelf -n prints it
	Base         string   `json:"base,omitempty"`     // hash of the BTF that this one continues
	Output       string   `json:"output,omitempty"`   // hash of what was written
	Types        int      `json:"types"`
	Bytes        int      `json:"bytes"`         // of BTF
	Own          string   `json:"own,omitempty"` // "same" or "different": what the BTF that was in the file means, if that was looked at
	Milliseconds int64    `json:"milliseconds"`
	Notes        []string `json:"notes"`
}

func newManifest(opt Options) *Manifest {
	m := &Manifest{Schema: Schema, Version: opt.Version, Flags: opt.Flags, Files: []Entry{}}
	if opt.Shard.Of > 1 {
		m.Shard = fmt.Sprintf("%d/%d", opt.Shard.I, opt.Shard.Of)
	}
	return m
}

// find returns what is known of a file, nil when nothing is.
func (m *Manifest) find(path string) *Entry {
	m.index()
	if i, ok := m.byPath[path]; ok {
		return &m.Files[i]
	}
	return nil
}

// index makes the map that find looks into.
func (m *Manifest) index() {
	if m.byPath == nil {
		m.byPath = make(map[string]int, len(m.Files))
		for i := range m.Files {
			m.byPath[m.Files[i].Path] = i
		}
	}
}

// add adds an entry, in place of an older one on the same file.
func (m *Manifest) add(e Entry) {
	if old := m.find(e.Path); old != nil {
		*old = e
		return
	}
	m.byPath[e.Path] = len(m.Files)
	m.Files = append(m.Files, e)
}

// finish sorts and sums up.
func (m *Manifest) finish() {
	slices.SortFunc(m.Files, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	m.byPath = nil
	m.OK, m.Empty, m.Failed, m.Types, m.Bytes = 0, 0, 0, 0, 0
	for i := range m.Files {
		switch e := &m.Files[i]; e.State {
		case OK:
			m.OK, m.Types, m.Bytes = m.OK+1, m.Types+e.Types, m.Bytes+e.Bytes
		case Empty:
			m.Empty++
		default:
			m.Failed++
		}
	}
}

// Write writes a manifest as JSON.
func (m *Manifest) Write(w io.Writer) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	return err
}

// Read reads a manifest, and what a run that did not end has written beside it (Journal). A run that never was is nil.
func Read(path string) (*Manifest, error) {
	m := &Manifest{}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m = nil
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(data, m); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if m.Schema != Schema {
			return nil, fmt.Errorf("%s: is %q and not %s", path, m.Schema, Schema)
		}
	}
	return withJournal(m, journalOf(path))
}

func journalOf(path string) string { return path + ".part" }

// withJournal adds the entries of a journal. Its last line may be cut: the machine may have been stopped while it was written.
func withJournal(m *Manifest, path string) (*Manifest, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for first := true; s.Scan(); first = false {
		if first {
			var head Manifest
			if json.Unmarshal(s.Bytes(), &head) != nil || head.Schema != Schema {
				return m, nil
			}
			if m == nil || m.Version != head.Version || m.Flags != head.Flags {
				m = &head
			}
			continue
		}
		var e Entry
		if json.Unmarshal(s.Bytes(), &e) != nil {
			break
		}
		m.add(e)
	}
	return m, nil
}

// Journal keeps what has been done so far beside a manifest that is not written yet, so that a run that was stopped can be resumed.
type Journal struct {
	f    *os.File
	path string
}

// NewJournal begins a journal, with what an earlier run did.
func NewJournal(path string, opt Options) (*Journal, error) {
	j := &Journal{path: journalOf(path)}
	f, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	j.f = f
	head := newManifest(opt)
	err = j.line(head)
	if opt.Done != nil && opt.Done.Flags == opt.Flags && opt.Done.Version == opt.Version {
		for i := range opt.Done.Files {
			if err == nil {
				err = j.line(&opt.Done.Files[i])
			}
		}
	}
	if err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err != nil {
		f.Close()
		os.Remove(j.path + ".new")
		return nil, err
	}
	return j, nil
}

func (j *Journal) line(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = j.f.Write(append(b, '\n'))
	}
	return err
}

// Add notes that a file is done.
func (j *Journal) Add(e *Entry) error { return j.line(e) }

// End closes the journal and removes it when the manifest is there.
func (j *Journal) End(written bool) error {
	err := j.f.Close()
	if written {
		err = errors.Join(err, os.Remove(j.path))
	}
	return err
}

// Merge joins the manifests of all shards: nothing may be missing and nothing there twice.
func Merge(parts []*Manifest) (*Manifest, error) {
	if len(parts) == 0 {
		return nil, errors.New("no manifest")
	}
	m := &Manifest{Schema: Schema, Version: parts[0].Version, Flags: parts[0].Flags, Files: []Entry{}}
	seen, of := map[int]bool{}, 0
	for _, p := range parts {
		if p.Version != m.Version || p.Flags != m.Flags {
			return nil, fmt.Errorf("parts of different runs: %s %q and %s %q", m.Version, m.Flags, p.Version, p.Flags)
		}
		s, err := ParseShard(p.Shard)
		if err != nil {
			return nil, err
		}
		if of == 0 {
			of = s.Of
		}
		if s.Of != of {
			return nil, fmt.Errorf("a part of %d and one of %d", of, s.Of)
		}
		if seen[s.I] {
			return nil, fmt.Errorf("part %d of %d is there twice", s.I, of)
		}
		seen[s.I] = true
		for _, e := range p.Files {
			if m.find(e.Path) != nil {
				return nil, fmt.Errorf("%s: is in two parts", e.Path)
			}
			m.add(e)
		}
	}
	var missing []string
	for i := 1; i <= of; i++ {
		if !seen[i] {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("of %d parts there is none of %s", of, strings.Join(missing, ", "))
	}
	m.finish()
	return m, nil
}

// ParseShard reads I/N.
func ParseShard(s string) (Shard, error) {
	var sh Shard
	if s == "" {
		return Shard{1, 1}, nil
	}
	if n, err := fmt.Sscanf(s, "%d/%d", &sh.I, &sh.Of); n != 2 || err != nil || fmt.Sprintf("%d/%d", sh.I, sh.Of) != s || sh.I < 1 || sh.I > sh.Of {
		return sh, fmt.Errorf("%q is not I/N with I from 1 to N", s)
	}
	return sh, nil
}
