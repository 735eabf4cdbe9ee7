package main

import (
	"fmt"
	"slices"
	"strings"
)

// A set is some C units that are compiled and linked together.
type set struct {
	Name  string
	Units []unit
}

// A unit is a C file in pieces that the reducer can leave out.
type unit struct{ Chunks []chunk }

// A chunk is one declaration; each of its parts (members, statements) may be left out while head and tail stay.
type chunk struct {
	Head  string
	Parts []string
	Tail  string
}

func (u unit) text() string {
	var b strings.Builder
	for _, c := range u.Chunks {
		b.WriteString(c.Head)
		for _, p := range c.Parts {
			b.WriteString(p)
		}
		b.WriteString(c.Tail)
		b.WriteByte('\n')
	}
	return b.String()
}

func (s set) clone() set {
	c := set{Name: s.Name, Units: make([]unit, len(s.Units))}
	for i, u := range s.Units {
		c.Units[i].Chunks = slices.Clone(u.Chunks)
	}
	return c
}

// size is what the reducer makes smaller.
func (s set) size() (n int) {
	for _, u := range s.Units {
		n += 1 + len(u.Chunks)
		for _, c := range u.Chunks {
			n += len(c.Parts)
		}
	}
	return n
}

func source(i int) string { return fmt.Sprintf("u%d.c", i) }
func object(i int) string { return fmt.Sprintf("u%d.o", i) }
