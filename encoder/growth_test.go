package encoder_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/dwarfgen"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

// encodeCase encodes a generated file once and returns the time that it took and the bytes of both.
func encodeCase(t *testing.T, c *dwarfgen.Case, n int) (took time.Duration) {
	t.Helper()
	b, err := c.Make(n).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	features, _ := encoder.ParseFeatures("all")
	begin := time.Now()
	e, err := elfx.FromBytes("made.elf", b)
	if err != nil {
		t.Fatal(err)
	}
	res, err := encoder.Encode(context.Background(), []*module.File{module.FromELF(e)}, encoder.Options{Features: features, Jobs: 1})
	took = time.Since(begin)
	switch {
	case err != nil && (c.Refused == "" || !strings.Contains(err.Error(), c.Refused) || strings.Contains(err.Error(), "\n")):
		t.Fatalf("n = %d: %v", n, err)
	case err == nil && res.Empty:
		t.Fatalf("n = %d: nothing was encoded", n)
	}
	return took
}

// TestGrowth: four times as much of anything takes at most 4^1.3 times the time.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 s")
	}
	const most = 1.3
	for _, c := range dwarfgen.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			once := func(n int) time.Duration {
				best := encodeCase(t, &c, n)
				for range 2 {
					if best > time.Second {
						break
					}
					best = min(best, encodeCase(t, &c, n))
				}
				return best
			}
			if c.N < 100 { // exponential in n: it only has to end
				if took := once(c.N); took > 2*time.Second {
					t.Errorf("n = %d took %v", c.N, took)
				}
				return
			}
			grew := 0.0
			for range 4 { // the machine may be busy
				small, large := once(c.N), once(4*c.N)
				if large < 40*time.Millisecond {
					return // noise, and nothing to fear
				}
				if grew = math.Log(float64(large)/float64(small)) / math.Log(4); grew <= most {
					return
				}
				t.Logf("n = %d: %v, %d: %v: n^%.2f", c.N, small, 4*c.N, large, grew)
			}
			t.Errorf("time grows as n^%.2f", grew)
		})
	}
}
