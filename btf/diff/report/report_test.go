package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gobtf/gobtf/btf/diff"
)

// sample is a report with each kind of difference, and n more types that only B has.
func sample(n int) *Report {
	r := &Report{A: "a.btf", B: "b.btf"}
	res := &diff.Result{
		A: diff.Side{Name: "a.btf", Types: 3, TypeBytes: 60, StringBytes: 40}, B: diff.Side{Name: "b.btf", Types: n, TypeBytes: 12 * n, StringBytes: 9 * n},
		Removed: []diff.Entry{{Kind: "STRUCT", Name: "gone", Decl: "struct gone", ID: 1, Size: 8, Bytes: 24}},
		Changed: []diff.Change{{Kind: "STRUCT", Name: "task", DeclA: "struct task", DeclB: "struct task", IDA: 2, IDB: 2, Items: []diff.Item{
			{What: "member", Op: diff.OpChanged, Name: "pid", A: &diff.Element{Text: "int pid", Offset: 64}, B: &diff.Element{Text: "long pid", Offset: 64}},
			{What: "member", Op: diff.OpRemoved, Name: "old", A: &diff.Element{Text: "int old", Offset: 96}}}, Users: &diff.Users{Functions: 2, Names: []string{"f", "g"}}}},
		Functions: []diff.Change{{Kind: "FUNC", Name: "f", DeclA: "int f(int a)", DeclB: "int f(long a)",
			Items: []diff.Item{{What: "parameter", Op: diff.OpChanged, Name: "a", A: &diff.Element{Text: "int a"}, B: &diff.Element{Text: "long a"}}}}},
		Moved: []diff.Move{{Name: "v", A: &diff.Place{Section: ".data..percpu", Offset: 0, Size: 8}, B: &diff.Place{Section: ".data..percpu", Offset: 16, Size: 8}}},
		Kinds: []diff.KindBytes{{Kind: "STRUCT", CountA: 2, BytesA: 48, CountB: n, BytesB: 12 * n}, {Kind: "INT", CountA: 1, BytesA: 16, CountB: 1, BytesB: 16, UsedB: 2, UsedBytesB: 400000}},
		Notes: []string{"a note"},
	}
	for i := range n {
		res.Added = append(res.Added, diff.Entry{Kind: "STRUCT", Name: fmt.Sprintf("new_%d", i), Decl: fmt.Sprintf("struct new_%d", i), ID: 4, Size: 4, Bytes: 12})
	}
	res.Added[0].Decl = "struct </script><b>\x1b[31m"
	r.Add("", res, nil)
	r.Finish()
	return r
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	opt := TextOptions{Colour: true, Clean: func(s string) string { return strings.ReplaceAll(s, "\x1b", "\\x1b") }}
	if err := sample(2).Text(&b, opt); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\x1b[31m- struct gone  (8 bytes)\x1b[0m", "+ struct </script><b>\\x1b[31m", "~ struct task", "    ~ member pid: int pid at 8 -> long pid at 8", "    - member old: int old at 12",
		"used by 2 functions: f, g", "now int f(long a)", "> v: .data..percpu+0x0 (8 bytes) -> .data..percpu+0x10", "note: a note", "different: 1 removed, 2 added, 1 changed, 1 functions changed, 1 variables moved",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "<b>\x1b") {
		t.Error("an escape sequence in a name reaches the terminal")
	}
	b.Reset()
	if err := sample(2).Text(&b, TextOptions{Brief: true}); err != nil || strings.Count(b.String(), "\n") != 4 || strings.Contains(b.String(), "\x1b[0m") {
		t.Errorf("brief: %v\n%s", err, b.String())
	}
}

// TestJSON: what is written is read again, and says its schema.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample(3).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil || back.Schema != Schema || back.Same || len(back.Pairs) != 1 || len(back.Pairs[0].Result.Added) != 3 {
		t.Fatalf("%v, %+v", err, back)
	}
}

// probe is what a reader does with the page: it looks, filters, moves with the keys. It leaves what it saw in an element.
const probe = `<script>
"use strict";
const seen = {};
addEventListener("error", e => { seen.error = String(e.message); });
seen.title = $("title").textContent;
seen.count = $("count").textContent;
seen.cards = $("cards").textContent;
seen.drawn = document.querySelectorAll("#rows .row").length;
seen.map = document.querySelectorAll("#map rect").length;
seen.base = [...document.querySelectorAll("#map title")].map(x => x.textContent).filter(x => x.includes("of the base")).join("|");
$("filter").value = "TASK"; $("filter").dispatchEvent(new Event("input"));
seen.filtered = $("count").textContent;
$("rows").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
seen.detail = $("detail").textContent;
seen.cells = [...document.querySelectorAll("#detail td")].map(x => x.textContent).join("|");
$("filter").value = ""; $("filter").dispatchEvent(new Event("input"));
$("op").value = "moved"; $("op").dispatchEvent(new Event("input"));
seen.moved = $("count").textContent;
$("op").value = ""; $("op").dispatchEvent(new Event("input"));
$("rows").dispatchEvent(new KeyboardEvent("keydown", { key: "End" }));
seen.last = document.querySelector("#rows .row[aria-selected=true]").textContent;
seen.bold = document.querySelectorAll("#rows b").length;
const out = document.createElement("pre"); out.id = "seen"; out.textContent = JSON.stringify(seen); document.body.append(out);
</script>`

// TestPage opens the page, with a hundred thousand types, in a browser. GOBTF_CHROMIUM names the program; the one in PATH is taken else.
// GOBTF_SCREENSHOT is a folder for pictures of it.
func TestPage(t *testing.T) {
	name := os.Getenv("GOBTF_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	browser, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GOBTF_CHROMIUM") != "" {
			t.Fatal(err)
		}
		t.Skip("no chromium here (GOBTF_CHROMIUM names one)")
	}
	const n = 100000
	var page bytes.Buffer
	if err := sample(n).HTML(&page); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?i)(src|href)\s*=|https?://[^w]`).Match(page.Bytes()) {
		t.Error("the page refers to something outside of it")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, append(bytes.Clone(page.Bytes()), probe...), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, browser, append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--user-data-dir=" + filepath.Join(dir, "profile")}, args...)...)
		var out, errs bytes.Buffer
		c.Stdout, c.Stderr = &out, &errs
		if err := c.Run(); err != nil {
			t.Fatalf("%v: %s", err, errs.String())
		}
		return out.String(), errs.String()
	}
	out, said := run("--dump-dom", "file://"+path)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the console: %s", line)
		}
	}
	_, out, ok := strings.Cut(out, `<pre id="seen">`)
	out, _, _ = strings.Cut(out, "</pre>")
	var seen map[string]any
	out = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(out)
	if err := json.Unmarshal([]byte(out), &seen); !ok || err != nil {
		t.Fatalf("%v: %.500s", err, out)
	}
	for key, want := range map[string]string{
		"title": "The two differ", "count": "100,004 of 100,004", "filtered": "1 of 100,004", "moved": "1 of 100,004", "last": "moved", "bold": "0",
		"cards": "100,000added", "detail": "used by 2 functions", "cells": "changed member pid|int pid   at 8|long pid   at 8|removed member old|int old   at 12|", "map": "7",
		"base": "B INT of the base: 400,000 bytes, 2 types",
	} {
		if got := fmt.Sprint(seen[key]); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if seen["error"] != nil {
		t.Errorf("error: %v", seen["error"])
	}
	if drawn := seen["drawn"].(float64); drawn < 10 || drawn > 100 {
		t.Errorf("%v lines are drawn of 100,004", drawn)
	}
	if dir := os.Getenv("GOBTF_SCREENSHOT"); dir != "" {
		if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		run("--window-size=1200,1500", "--hide-scrollbars", "--screenshot="+filepath.Join(dir, "light.png"), "file://"+path)
		run("--window-size=1200,1500", "--hide-scrollbars", "--blink-settings=preferredColorScheme=0", "--screenshot="+filepath.Join(dir, "dark.png"), "file://"+path)
	}
}
