package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
)

//go:embed page.html
var page []byte

// HTML writes a report as one page that needs nothing else: no network, no other file. The page has the report's JSON in it and shows
// it by script; lists of a hundred thousand lines are drawn where they are looked at.
func (r *Report) HTML(w io.Writer) error {
	data, err := json.Marshal(r) // escapes <, > and &, so that no name ends the script element
	if err != nil {
		return err
	}
	head, tail, _ := bytes.Cut(page, []byte("{{DATA}}"))
	for _, part := range [][]byte{head, data, tail} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
