package intern

// A Follower interns sequences that come in nearly the same order again and again, as the types of headers do that many units include:
// what followed a sequence the last time is compared first, and right most of the time. It is for one goroutine; several may have one
// each for the same Words.
type Follower struct {
	t    *Words
	next []uint32 // number + 1 of what followed the sequence with that number; 0: nothing yet
	last uint32
}

// NewFollower returns a Follower for t.
func NewFollower(t *Words) *Follower { return &Follower{t: t} }

// maxFollowed bounds the memory: 4 bytes for each.
const maxFollowed = 1 << 22

// Intern is t.Intern.
func (f *Follower) Intern(w []uint32) uint32 {
	if int(f.last) < len(f.next) {
		if n := f.next[f.last]; n != 0 && equalWords(f.t.At(n-1), w) {
			f.last = n - 1
			return f.last
		}
	}
	id, _ := f.t.Intern(w)
	f.learn(id)
	return id
}

func (f *Follower) learn(id uint32) {
	if int(f.last) >= len(f.next) && f.last < maxFollowed {
		f.next = append(f.next, make([]uint32, max(1<<12, int(f.last)/2, int(f.last)+1-len(f.next)))...)
	}
	if int(f.last) < len(f.next) {
		f.next[f.last] = id + 1
	}
	f.last = id
}
