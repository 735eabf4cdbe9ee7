package main

import (
	"encoding/xml"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update_picture", false, "write docs/forms.svg")

// TestPicture: docs/forms.svg is that of the table in docs/module-btf.md.
func TestPicture(t *testing.T) {
	page, err := os.ReadFile("../../docs/module-btf.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := picture(string(page))
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(want)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	const path = "../../docs/forms.svg"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/forms.svg is stale: go test ./tools/boot -run Picture -update_picture")
	}
	if n := strings.Count(want, ">works<"); n < 30 {
		t.Errorf("%d fields work: the table is read wrongly", n)
	}
	if _, err := picture("| a | b |\n"); err == nil {
		t.Error("no table, and no error")
	}
}

func TestOutcome(t *testing.T) {
	for cell, want := range map[string]string{
		"BTF 830, ids right": "works", "BTF 830, **5 of 8 ids wrong**": "wrong", "BTF 1 relocated, lists wrong": "wrong", "module refused": "refused", "BTF refused": "no BTF", "no BTF": "no BTF", "-": "-",
	} {
		if got := outcomeOf(cell).word; got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}
