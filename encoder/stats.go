package encoder

import "time"

// Stats says where a run's time went and how much there was to do.
type Stats struct {
	Stages      []Stage
	TypesBefore int // types before dedup
}

// Stage is one step of a run.
type Stage struct {
	Name string
	Wall time.Duration
}

// timer measures stages one after the other.
type timer struct {
	s     *Stats
	since time.Time
	name  string
}

func newTimer(s *Stats) *timer { return &timer{s: s} }

// stage ends the current stage and starts the next. A stage that comes again (one
// for each file) is added up.
func (t *timer) stage(name string) {
	now := time.Now()
	if t.name != "" {
		t.add(now.Sub(t.since))
	}
	t.name, t.since = name, now
}

func (t *timer) end() { t.stage("") }

func (t *timer) add(d time.Duration) {
	for i := range t.s.Stages {
		if t.s.Stages[i].Name == t.name {
			t.s.Stages[i].Wall += d
			return
		}
	}
	t.s.Stages = append(t.s.Stages, Stage{t.name, d})
}
