package main

import (
	"fmt"
	"html"
	"math"
	"path/filepath"
	"strings"
)

// panel is one of the two diagrams: its axes are logarithmic, so that what grows as its input is a line at 45 degrees.
type panel struct {
	title, unit string
	value       func(point) float64
	x           float64 // of its left edge
	low, high   int     // powers of ten
}

const (
	side   = 330.0 // of a panel
	top    = 58.0
	xLow   = -1 // power of ten of the size in MB
	colour = "#3566a8"
	accent = "#c8553d"
)

// picture draws processor time and memory against the size of .debug_info.
func picture(points []point) string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 450" font-family="sans-serif" font-size="12" role="img" aria-label="Processor time and memory of gobtf against the size of its input">` + "\n")
	b.WriteString("<style>text{fill:#222}line.grid{stroke:#ddd}line.same{stroke:#999;stroke-dasharray:4 4}@media (prefers-color-scheme:dark){text{fill:#ddd}line.grid{stroke:#444}}</style>\n")
	b.WriteString(`<text x="60" y="20" font-size="14">What an input takes, by the size of its .debug_info (gobtf -J -j1, standing alone)</text>` + "\n")
	fmt.Fprintf(&b, `<circle cx="66" cy="36" r="4" fill="%s"/><text x="76" y="40">module</text><circle cx="146" cy="36" r="5" fill="%s"/><text x="156" y="40">vmlinux</text><line class="same" x1="226" y1="36" x2="256" y2="36"/><text x="262" y="40">grows as the size does</text>`+"\n", colour, accent)
	for _, p := range []panel{
		{"processor time", "s", func(p point) float64 { return p.seconds }, 60, -3, 0},
		{"memory, peak", "MB", func(p point) float64 { return p.peak }, 480, 0, 0},
	} {
		xHigh := 0
		for _, q := range points {
			xHigh = max(xHigh, int(math.Ceil(math.Log10(q.mb))))
			p.high = max(p.high, int(math.Ceil(math.Log10(p.value(q)))))
		}
		p.draw(&b, points, xHigh)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p panel) draw(b *strings.Builder, points []point, xHigh int) {
	at := func(v float64, low, high int) float64 {
		return (math.Log10(v) - float64(low)) / float64(high-low) * side
	}
	for e := xLow; e <= xHigh; e++ {
		x := p.x + at(math.Pow10(e), xLow, xHigh)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x, top, x, top+side, x, top+side+16, power(e))
	}
	for e := p.low; e <= p.high; e++ {
		y := top + side - at(math.Pow10(e), p.low, p.high)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", p.x, y, p.x+side, y, p.x-6, y+4, power(e))
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">MB of .debug_info</text><text x="%.1f" y="%.1f">%s, %s</text>`+"\n", p.x+side/2, top+side+36, p.x+8, top+16, p.title, p.unit)
	{ // a line of slope 1 through the largest input
		last := points[len(points)-1]
		v := p.value(last)
		from := math.Max(math.Pow10(xLow), last.mb*math.Pow10(p.low)/v)
		fmt.Fprintf(b, `<line class="same" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n",
			p.x+at(from, xLow, xHigh), top+side-at(v*from/last.mb, p.low, p.high), p.x+at(last.mb, xLow, xHigh), top+side-at(v, p.low, p.high))
	}
	for _, q := range points {
		fill, r := colour, 4
		if q.isVmlinux {
			fill, r = accent, 5
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%d" fill="%s" fill-opacity="0.85"><title>%s: %.1f MB, %.2f s, %.0f MB</title></circle>`+"\n",
			p.x+at(q.mb, xLow, xHigh), top+side-at(p.value(q), p.low, p.high), r, fill, html.EscapeString(label(q)), q.mb, q.seconds, q.peak)
	}
}

// label names a file, and a vmlinux by its kernel, as all have the same name.
func label(p point) string {
	if p.isVmlinux {
		return filepath.Base(filepath.Dir(p.name)) + "/vmlinux"
	}
	return filepath.Base(p.name)
}

func power(e int) string {
	if e < 0 {
		return fmt.Sprintf("%.*f", -e, math.Pow10(e))
	}
	return fmt.Sprintf("%.0f", math.Pow10(e))
}
