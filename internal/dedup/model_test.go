package dedup

import (
	"errors"

	"github.com/gobtf/gobtf/btf"
)

// model is a second, slow dedup, written from the rules alone: records as they are
// in a file, the chained hash map with its growths, plain recursion, no shortcuts.
// It shares no code with the package. broken names one rule to get wrong, so that
// tests can show that they would notice.
type model struct {
	rec    [][]uint32 // by id; [name_off, info, size or type, tail...]
	start  uint32
	quirks bool
	broken string

	m      []uint32
	tab    mMap
	hyp    map[uint32]uint32
	hypLog []uint32
	adjust bool
	asked  int // calls of identical from equiv

	endless bool // identical walked along chains that never end
}

const (
	mUnmapped = 0xffffffff
	mBusy     = 0xfffffffe
)

// The rules that can be broken.
var breakable = []string{
	"order-lifo",    // candidate lists are never turned around
	"order-fifo",    // nor are new ones put first
	"count-base",    // the base's insertions do not count
	"enum-once",     // a forward that was taken over is not taken over again
	"enum-continue", // a full enum stops at the first forward
	"no-r2",         // the canonical side's FWD is not replaced
	"r2-both",       // the new side's FWD is replaced, too
	"r2-enum",       // enum forwards are replaced, too
	"r3-strict",     // identical always says no
	"r3-lenient",    // identical always says yes
	"array-elem",    // identical compares elements of arrays
	"depth",         // identical goes deeper
	"depth-ptr",     // pointers use up depth
	"no-adjust",     // FWDs of the base match like any other
	"no-m1",
	"no-m2",
	"no-m3",
	"no-m4",
	"m1-adjust",   // M1 is left out when the adjust flag is set
	"m1-base",     // M1 leaves FWDs of the base alone
	"m4-typedef",  // M4 for typedefs, too
	"names-first", // phase 4 takes the first definition of an ambiguous name
	"names-kind",  // in phase 4 a struct and a union of one name do not clash
	"names-base",  // phase 4 does not look at the base's definitions
	"array-index", // equiv compares elements before indexes
	"ref-lowest",  // phase 5 without descending first
	"ref-index",   // phase 5 resolves an array's index before its element
	"enum64-kind", // an ENUM forward fits an ENUM64 also in equiv
	"fwd-kind",    // FWDs fit struct and union alike
}

func (d *model) is(rule string) bool { return d.broken == rule }

func mKind(r []uint32) btf.Kind {
	if r == nil {
		return btf.Void
	}
	return btf.Kind(r[1] >> 24 & 31)
}
func mVlen(r []uint32) int { return int(r[1] & 0xffff) }
func mName(r []uint32) uint32 {
	if r == nil {
		return 0
	}
	return r[0]
}

// mMap is the reference's hash map: chains of entries, new ones first.
type mMap struct {
	buckets [][]mEntry // first entry first
	n       int
	fifo    bool
	lifo    bool
}
type mEntry struct {
	hash uint64
	id   uint32
}

func (t *mMap) bucket(h uint64) int {
	bits := 0
	for 1<<bits < len(t.buckets) {
		bits++
	}
	return int(h * 11400714819323198485 >> (64 - bits))
}

func (t *mMap) put(e mEntry) {
	b := t.bucket(e.hash)
	if t.fifo {
		t.buckets[b] = append(t.buckets[b], e)
		return
	}
	t.buckets[b] = append([]mEntry{e}, t.buckets[b]...)
}

func (t *mMap) insert(h uint64, id uint32) {
	if len(t.buckets) == 0 || (t.n+1)*4/3 > len(t.buckets) {
		old := t.buckets
		t.buckets = make([][]mEntry, max(4, 2*len(old)))
		for _, chain := range old {
			for i := range chain {
				if t.lifo {
					t.put(chain[len(chain)-1-i])
				} else {
					t.put(chain[i])
				}
			}
		}
	}
	t.put(mEntry{h, id})
	t.n++
}

func (t *mMap) candidates(h uint64) []uint32 {
	if len(t.buckets) == 0 {
		return nil
	}
	var ids []uint32
	for _, e := range t.buckets[t.bucket(h)] {
		if e.hash == h {
			ids = append(ids, e.id)
		}
	}
	return ids
}

func mHash(words ...uint32) uint64 {
	h := uint64(0)
	for _, w := range words {
		h = h*31 + uint64(w)
	}
	return h
}

// hash of a record as a candidate; prep: of a base's one.
func (d *model) hash(r []uint32, prep bool) uint64 {
	switch mKind(r) {
	case btf.Enum, btf.Enum64:
		return mHash(r[0])
	case btf.Struct, btf.Union:
		w := append([]uint32{}, r[:3]...)
		for i := 3; i < len(r); i += 3 {
			w = append(w, r[i], r[i+2])
		}
		return mHash(w...)
	case btf.Typedef:
		if !prep || !d.quirks {
			return mHash(r[0], r[1])
		}
	}
	return mHash(r...)
}

func (d *model) resolve(id uint32) uint32 {
	for d.m[id] < mBusy && d.m[id] != id {
		id = d.m[id]
	}
	return id
}

var (
	errModelLoop = errors.New("-40")
	errModelKind = errors.New("-22")
)

func (d *model) run() error {
	d.tab.lifo, d.tab.fifo = d.is("order-lifo"), d.is("order-fifo")
	d.m = make([]uint32, len(d.rec))
	for id, r := range d.rec {
		switch {
		case id == 0 || uint32(id) < d.start || mKind(r) == btf.Var || mKind(r) == btf.Datasec:
			d.m[id] = uint32(id)
		default:
			d.m[id] = mUnmapped
		}
	}
	for id := uint32(1); id < d.start; id++ {
		if k := mKind(d.rec[id]); k != btf.Var && k != btf.Datasec {
			d.tab.insert(d.hash(d.rec[id], true), id)
		}
	}
	if d.is("count-base") {
		d.tab.n = 0
	}
	first := max(d.start, 1)
	for id := first; id < uint32(len(d.rec)); id++ {
		d.prim(id)
	}
	for id := first; id < uint32(len(d.rec)); id++ {
		if err := d.composite(id); err != nil {
			return err
		}
	}
	d.resolveForwards()
	for id := first; id < uint32(len(d.rec)); id++ {
		if _, err := d.ref(id); err != nil {
			return err
		}
	}
	return nil
}

func equalRec(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func isEnum(r []uint32) bool { return mKind(r) == btf.Enum || mKind(r) == btf.Enum64 }

func compatEnum(a, b []uint32) bool {
	return isEnum(a) && isEnum(b) && (equalRec(a, b) || a[0] == b[0] && (mVlen(a) == 0 || mVlen(b) == 0))
}

func (d *model) prim(id uint32) {
	r := d.rec[id]
	switch mKind(r) {
	case btf.Int, btf.Float, btf.Fwd, btf.Enum, btf.Enum64:
	default:
		return
	}
	h := d.hash(r, false)
	for _, c := range d.tab.candidates(h) {
		k := d.rec[c]
		if equalRec(r, k) {
			d.m[id] = c
			return
		}
		if isEnum(r) && compatEnum(r, k) {
			if mVlen(r) == 0 {
				d.m[id] = c
				return
			}
			if !d.is("enum-once") || d.m[c] == c {
				d.m[c] = id
			}
			if d.is("enum-continue") {
				break
			}
		}
	}
	d.m[id] = id
	d.tab.insert(h, id)
}

// shallow: STRUCT and UNION without their members' types.
func shallow(a, b []uint32) bool {
	if len(a) != len(b) || a[0] != b[0] || a[1] != b[1] || a[2] != b[2] {
		return false
	}
	for i := 3; i < len(a); i += 3 {
		if a[i] != b[i] || a[i+2] != b[i+2] {
			return false
		}
	}
	return true
}

func (d *model) composite(id uint32) error {
	r := d.rec[id]
	k := mKind(r)
	if k != btf.Struct && k != btf.Union && k != btf.Typedef || d.m[id] != mUnmapped {
		return nil
	}
	h := d.hash(r, false)
	for _, c := range d.tab.candidates(h) {
		switch q := d.rec[c]; {
		case mKind(q) != k:
			continue
		case k == btf.Typedef && (r[0] != q[0] || r[1] != q[1]):
			continue
		case k != btf.Typedef && !shallow(r, q):
			continue
		}
		d.hyp, d.hypLog, d.adjust = map[uint32]uint32{}, nil, false
		eq, err := d.equiv(id, c)
		if err != nil {
			return err
		}
		if !eq {
			continue
		}
		d.merge()
		if d.adjust {
			continue
		}
		d.m[id] = c
		return nil
	}
	d.m[id] = id
	d.tab.insert(h, id)
	return nil
}

func (d *model) fwdFits(fwd []uint32, k btf.Kind) bool {
	if d.is("fwd-kind") {
		return k == btf.Struct || k == btf.Union
	}
	if fwd[1]>>31 != 0 {
		return k == btf.Union
	}
	return k == btf.Struct
}

func (d *model) equiv(a, b uint32) (bool, error) {
	if d.resolve(a) == d.resolve(b) {
		return true, nil
	}
	kindOf := func(id uint32) btf.Kind { return mKind(d.rec[id]) }
	if kindOf(b) == btf.Fwd && kindOf(d.resolve(b)) != btf.Fwd && !d.is("no-r2") {
		b = d.resolve(b)
	}
	if d.is("r2-both") && kindOf(a) == btf.Fwd {
		a = d.resolve(a)
	}
	if d.is("r2-enum") && isEnum(d.rec[b]) {
		b = d.resolve(b)
	}
	if h, ok := d.hyp[b]; ok {
		if h == a {
			return true, nil
		}
		d.asked++
		switch {
		case d.is("r3-strict"):
			return false, nil
		case d.is("r3-lenient"):
			return true, nil
		case d.is("depth"):
			return d.identical(h, a, 60, 1000), nil
		}
		return d.identical(h, a, 16, 1000), nil
	}
	d.hyp[b] = a
	d.hypLog = append(d.hypLog, b)
	ra, rb := d.rec[a], d.rec[b]
	ka, kb := mKind(ra), mKind(rb)
	if mName(ra) != mName(rb) {
		return false, nil
	}
	if (ka == btf.Fwd) != (kb == btf.Fwd) {
		if ka == btf.Fwd {
			return d.fwdFits(ra, kb), nil
		}
		if d.fwdFits(rb, ka) {
			d.adjust = d.adjust || b < d.start && !d.is("no-adjust")
			return true, nil
		}
		return false, nil
	}
	if ka != kb {
		return d.is("enum64-kind") && compatEnum(ra, rb), nil
	}
	all := func(pairs ...uint32) (bool, error) {
		for i := 0; i < len(pairs); i += 2 {
			if eq, err := d.equiv(pairs[i], pairs[i+1]); !eq || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	switch ka {
	case btf.Int, btf.Float, btf.Fwd:
		return equalRec(ra, rb), nil
	case btf.Enum, btf.Enum64:
		return compatEnum(ra, rb), nil
	case btf.Const, btf.Volatile, btf.Restrict, btf.Ptr, btf.Typedef, btf.Func, btf.TypeTag:
		if ra[1] != rb[1] {
			return false, nil
		}
		return all(ra[2], rb[2])
	case btf.Array:
		if ra[1] != rb[1] || ra[2] != rb[2] || ra[5] != rb[5] {
			return false, nil
		}
		if d.is("array-index") {
			return all(ra[3], rb[3], ra[4], rb[4])
		}
		return all(ra[4], rb[4], ra[3], rb[3])
	case btf.Struct, btf.Union:
		if !shallow(ra, rb) {
			return false, nil
		}
		var pairs []uint32
		for i := 3; i < len(ra); i += 3 {
			pairs = append(pairs, ra[i+1], rb[i+1])
		}
		return all(pairs...)
	case btf.FuncProto:
		if !sameParams(ra, rb) {
			return false, nil
		}
		pairs := []uint32{ra[2], rb[2]}
		for i := 3; i < len(ra); i += 2 {
			pairs = append(pairs, ra[i+1], rb[i+1])
		}
		return all(pairs...)
	}
	return false, errModelKind
}

func sameParams(a, b []uint32) bool {
	if len(a) != len(b) || a[0] != b[0] || a[1] != b[1] {
		return false
	}
	for i := 3; i < len(a); i += 2 {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// steps bounds chains that never end, where the reference would hang.
func (d *model) identical(x, y uint32, depth, steps int) bool {
	if depth <= 0 || steps == 0 {
		d.endless = d.endless || steps == 0
		return false
	}
	a, b := d.rec[x], d.rec[y]
	if mKind(a) != mKind(b) {
		return false
	}
	members := func(pairs ...uint32) bool {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] != pairs[i+1] && !d.identical(pairs[i], pairs[i+1], depth-1, 1000) {
				return false
			}
		}
		return true
	}
	switch mKind(a) {
	case btf.Void:
		return true
	case btf.Int, btf.Float, btf.Fwd:
		return equalRec(a, b)
	case btf.Enum, btf.Enum64:
		return compatEnum(a, b)
	case btf.Const, btf.Volatile, btf.Restrict, btf.Ptr, btf.Typedef, btf.Func, btf.TypeTag:
		if d.is("depth-ptr") {
			depth--
		}
		return a[0] == b[0] && a[1] == b[1] && d.identical(a[2], b[2], depth, steps-1)
	case btf.Array:
		same := a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[5] == b[5]
		if d.is("array-elem") {
			same = same && members(a[3], b[3], a[4], b[4])
		}
		return same
	case btf.Struct, btf.Union:
		if !shallow(a, b) {
			return false
		}
		for i := 3; i < len(a); i += 3 {
			if !members(a[i+1], b[i+1]) {
				return false
			}
		}
		return true
	case btf.FuncProto:
		if !sameParams(a, b) || !members(a[2], b[2]) {
			return false
		}
		for i := 3; i < len(a); i += 2 {
			if !members(a[i+1], b[i+1]) {
				return false
			}
		}
		return true
	}
	return false
}

func (d *model) merge() {
	for _, b := range d.hypLog {
		t, c := d.resolve(d.hyp[b]), d.resolve(b)
		kt, kc := mKind(d.rec[t]), mKind(d.rec[c])
		if kt != btf.Fwd && kc == btf.Fwd && !d.is("no-m1") && !(d.is("m1-adjust") && d.adjust) && !(d.is("m1-base") && c < d.start) {
			d.m[c] = t
		}
		if d.adjust && !d.is("no-m2") {
			continue
		}
		if kt == btf.Fwd && kc != btf.Fwd && !d.is("no-m3") {
			d.m[t] = c
		}
		if (kt == btf.Struct || kt == btf.Union || kt == btf.Typedef && d.is("m4-typedef")) && kc != btf.Fwd &&
			d.m[c] != mUnmapped && d.m[t] == mUnmapped && !d.is("no-m4") {
			d.m[t] = c
		}
	}
}

func (d *model) resolveForwards() {
	type key struct {
		name uint32
		k    btf.Kind
	}
	defs := map[key][]uint32{}
	keyOf := func(r []uint32, k btf.Kind) key {
		if !d.is("names-kind") {
			k = 0
		}
		return key{r[0], k}
	}
	for id, r := range d.rec {
		if k := mKind(r); (k == btf.Struct || k == btf.Union) && d.m[id] == uint32(id) {
			if uint32(id) < d.start && d.is("names-base") {
				continue
			}
			defs[keyOf(r, k)] = append(defs[keyOf(r, k)], uint32(id))
		}
	}
	for id := max(d.start, 1); id < uint32(len(d.rec)); id++ {
		r := d.rec[id]
		if mKind(r) != btf.Fwd || d.m[id] != id {
			continue
		}
		k := btf.Struct
		if r[1]>>31 != 0 {
			k = btf.Union
		}
		l := defs[keyOf(r, k)]
		if (len(l) == 1 || len(l) > 1 && d.is("names-first")) && d.fwdFits(r, mKind(d.rec[l[0]])) {
			d.m[id] = l[0]
		}
	}
}

func (d *model) ref(id uint32) (uint32, error) {
	switch {
	case d.m[id] == mBusy:
		return 0, errModelLoop
	case d.m[id] != mUnmapped:
		return d.resolve(id), nil
	}
	d.m[id] = mBusy
	r := d.rec[id]
	var at []int
	switch mKind(r) {
	case btf.Array:
		at = []int{3, 4}
		if d.is("ref-index") {
			at = []int{4, 3}
		}
	case btf.FuncProto:
		at = []int{2}
		for i := 4; i < len(r); i += 2 {
			at = append(at, i)
		}
	default:
		at = []int{2}
	}
	if d.is("ref-lowest") {
		d.broken = ""
		d.lowest(id)
		d.broken = "ref-lowest"
	}
	for _, i := range at {
		t, err := d.ref(r[i])
		if err != nil {
			return 0, err
		}
		r[i] = t
	}
	h := d.hash(r, false)
	for _, c := range d.tab.candidates(h) {
		if equalRec(r, d.rec[c]) {
			d.m[id] = c
			return c, nil
		}
	}
	d.m[id] = id
	d.tab.insert(h, id)
	return id, nil
}

// lowest visits the direct references of lower ids first.
func (d *model) lowest(id uint32) {
	for x := max(d.start, 1); x < uint32(len(d.rec)); x++ {
		if x != id && d.m[x] == mUnmapped {
			if k := mKind(d.rec[x]); k == btf.Const || k == btf.Ptr {
				if y := d.rec[x][2]; d.m[y] != mUnmapped && d.m[y] != mBusy {
					d.ref(x)
				}
			}
		}
	}
}

// keep returns the survivors, and by old id the final one.
func (d *model) keep() (keep []uint32, now []uint32) {
	now = make([]uint32, len(d.rec))
	next := max(d.start, 1)
	for id := range d.rec {
		if uint32(id) < d.start {
			now[id] = uint32(id)
		} else if id > 0 && d.m[id] == uint32(id) {
			keep = append(keep, uint32(id))
			now[id] = next
			next++
		}
	}
	for id := range d.rec {
		now[id] = now[d.resolve(uint32(id))]
	}
	return keep, now
}

// refsAt returns where the references of a record stand, in the graph's order.
func refsAt(r []uint32) []int {
	if r == nil {
		return nil
	}
	var at []int
	switch mKind(r) {
	case btf.Ptr, btf.Const, btf.Typedef, btf.Volatile, btf.Restrict, btf.Func, btf.TypeTag, btf.Var, btf.DeclTag:
		at = []int{2}
	case btf.Array:
		at = []int{3, 4}
	case btf.Struct, btf.Union:
		for i := 4; i < len(r); i += 3 {
			at = append(at, i)
		}
	case btf.Datasec:
		for i := 3; i < len(r); i += 3 {
			at = append(at, i)
		}
	case btf.FuncProto:
		at = []int{2}
		for i := 4; i < len(r); i += 2 {
			at = append(at, i)
		}
	}
	return at
}
