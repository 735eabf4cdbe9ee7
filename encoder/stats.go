package encoder

import (
	"syscall"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// Stats says where a run's time went and how much there was to do.
type Stats struct {
	Stages      []Stage
	InfoBytes   uint64 // size of .debug_info
	TypesBefore int    // types before dedup
	// Before is what there was before dedup, by kind, if Options.CountBefore asks for it.
	Before [btf.NumKinds]btf.KindCount
}

// countBefore counts the types of a graph by kind.
func (s *Stats) countBefore(g *graph.Graph) {
	for _, sh := range g.Shape {
		info := g.Shapes.Content(sh)[0]
		k := &s.Before[btf.InfoKind(info)]
		k.Types++
		k.Bytes += 4 * btf.RecordWords(info)
	}
}

// Stage is one step of a run.
type Stage struct {
	Name    string
	Wall    time.Duration
	CPU     time.Duration // of the whole process meanwhile, the garbage collector's included
	Workers int           // how many goroutines worked on it
}

// timer measures stages one after the other.
type timer struct {
	s       *Stats
	since   time.Time
	cpu     time.Duration
	name    string
	workers int
}

func newTimer(s *Stats) *timer { return &timer{s: s} }

// stage ends the current stage and starts the next. A stage that comes again (one
// for each file) is added up.
func (t *timer) stage(name string) {
	now, cpu := time.Now(), cpuTime()
	if t.name != "" {
		t.add(now.Sub(t.since), cpu-t.cpu)
	}
	t.name, t.since, t.cpu, t.workers = name, now, cpu, 1
}

// cpuTime returns what the process has used, 0 where the system does not say.
func cpuTime() time.Duration {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

func (t *timer) end() { t.stage("") }

func (t *timer) add(wall, cpu time.Duration) {
	for i := range t.s.Stages {
		if s := &t.s.Stages[i]; s.Name == t.name {
			s.Wall, s.CPU, s.Workers = s.Wall+wall, s.CPU+cpu, max(s.Workers, t.workers)
			return
		}
	}
	t.s.Stages = append(t.s.Stages, Stage{t.name, wall, cpu, t.workers})
}
