package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/internal/argp"
)

var (
	shownLine = regexp.MustCompile(`(?m)^(?: {4,}|\t+)(?:\$ )?(gobtf .*)$`)
	shownWord = regexp.MustCompile("`(gobtf [^`]*)`")
	// shellEnd is where a command ends in a shell's line.
	shellEnd = regexp.MustCompile(`\s(?:#|>|>>|2>|<|\||\|\||&&|;)(?:\s|$|/)`)
)

// shellWords splits a command as a shell does, as far as the documentation goes: at blanks, with quotes.
func shellWords(s string) (words []string) {
	word, open, quote := "", false, rune(0)
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if open {
				words = append(words, word)
			}
			word, open = "", false
		default:
			word, open = word+string(c), true
		}
	}
	if open {
		words = append(words, word)
	}
	return words
}

// parses tells what is wrong with the words of a line, nil when the program would take its options. Nothing is run.
func parses(args []string) error {
	if len(args) == 0 {
		return nil
	}
	c := findCommand(args[0])
	switch {
	case c == nil:
		_, err := parse(args)
		return err
	case c.own != "":
		return nil // the kernel's tool, with options of its own
	}
	_, err := c.table().Parse(args[1:], argp.Syntax{}, func(*argp.Option, string, string) error { return nil })
	return err
}

// TestShown: what README, the pages and the packaged scripts show of gobtf's commands has no command and no option that is not there.
func TestShown(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../../README.md", "../../CHANGELOG.md", "../../SECURITY.md", "../../packaging/rebase-modules")
	shown := 0
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(page) == "cli.md" {
			continue // usages, made from the tables themselves
		}
		text := strings.NewReplacer("$OPTIONS ", "", "$(uname -r)", "RELEASE").Replace(string(data))
		lines := shownLine.FindAllStringSubmatch(text, -1)
		for _, m := range shownWord.FindAllStringSubmatch(text, -1) {
			// Within a sentence a command often stands without its last argument, and -J alone by its options.
			m[1] = strings.Replace(m[1], "gobtf --", "gobtf -J --", 1) + " X"
			lines = append(lines, m)
		}
		for _, m := range lines {
			line := strings.ReplaceAll(m[1], "\n", " ")
			if i := shellEnd.FindStringIndex(line); i != nil {
				line = line[:i[0]]
			}
			if words := shellWords(line); words[0] == "gobtf" {
				shown++
				if err := parses(words[1:]); err != nil {
					t.Errorf("%s: %s: %v", filepath.Base(page), line, err)
				}
			}
		}
	}
	if shown < 80 {
		t.Errorf("%d commands were found", shown)
	}
	for _, wrong := range []string{"add -x m.ko", "rebase --alll DIR", "-J --nosuch m.ko", "vreify m.ko --all x"} {
		if parses(strings.Fields(wrong)) == nil {
			t.Errorf("%s: nothing is wrong with it", wrong)
		}
	}
}
