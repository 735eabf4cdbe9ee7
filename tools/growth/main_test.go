package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func grown(e float64) (list []point) {
	for _, mb := range []float64{0.5, 1, 10, 30, 100, 300} {
		list = append(list, point{name: "m.ko", mb: mb, seconds: 0.01 * math.Pow(mb, e), peak: 10 + mb})
	}
	return list
}

func TestExponent(t *testing.T) {
	for _, want := range []float64{1, 1.3, 2} {
		if e, err := exponent(grown(want)); err != nil || math.Abs(e-want) > 1e-9 {
			t.Errorf("%v %v, want %v", e, err, want)
		}
	}
	if _, err := exponent(grown(1)[:4]); err == nil {
		t.Error("two inputs say how time grows")
	}
}

// TestPicture: it is XML, and has a circle for each input in each of its two diagrams, within them.
func TestPicture(t *testing.T) {
	points := append(grown(1), point{name: "k<6>/vmlinux", mb: 250, seconds: 3, peak: 200, isVmlinux: true})
	d := xml.NewDecoder(strings.NewReader(picture(points)))
	titles := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "title" {
			titles++
		}
	}
	if titles != 2*len(points) {
		t.Errorf("%d circles for %d inputs", titles, len(points))
	}
}
