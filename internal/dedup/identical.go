package dedup

import "github.com/gobtf/gobtf/btf"

// identicalDepth is how many structs, unions and prototypes identical goes down.
const identicalDepth = 16

// identical says whether two types of the new side look the same. It is asked when
// one canonical type would have to stand for both. It knows nothing of merged types,
// does not look at what arrays are made of, and says no when it runs out of depth,
// as for every struct that refers to itself: all that is the reference's behaviour.
// Rule dedup/identical.
func (w *walker) identical(x, y uint32) bool { return w.identicalTo(x, y, identicalDepth) }

func (w *walker) identicalTo(x, y uint32, depth int8) bool {
	if depth <= 0 {
		return false
	}
	// Pointers and modifiers cost no depth. Two chains that never end, which C cannot
	// make, come back to a pair that was there at a power of two (Brent's algorithm).
	var markX, markY uint32
	for steps, mark := 0, 1; ; steps++ {
		sx, sy := w.shapeOf(x), w.shapeOf(y)
		if sx != sy {
			nx, ix := w.nameInfo(sx)
			ny, iy := w.nameInfo(sy)
			return nx == ny && sx.Kind() == sy.Kind() && compatibleEnums(ix, iy)
		}
		switch sx.Kind() {
		case btf.Ptr, btf.Const, btf.Typedef, btf.Volatile, btf.Restrict, btf.Func, btf.TypeTag:
			if x == markX && y == markY {
				return false
			}
			if steps == mark {
				mark *= 2
				markX, markY = x, y
			}
			x, y = w.refsOf(x)[0], w.refsOf(y)[0]
			continue
		case btf.Struct, btf.Union, btf.FuncProto:
			return w.identicalMembers(x, y, depth)
		case btf.Void, btf.Int, btf.Float, btf.Fwd, btf.Enum, btf.Enum64, btf.Array:
			return true
		case btf.Var, btf.Datasec, btf.DeclTag:
		}
		return false
	}
}

// identicalMembers compares what two structs, unions or prototypes refer to. The
// answer depends on the three arguments alone, so it is remembered: with 16 levels
// of many members each, asking again every time would take forever.
func (w *walker) identicalMembers(x, y uint32, depth int8) bool {
	key := uint64(x)<<32 | uint64(y)
	if enough := w.same[key]; enough != 0 && depth >= enough {
		return true
	}
	for i, n := 0, len(w.refsOf(x)); i < n; i++ {
		rx, ry := w.refsOf(x)[i], w.refsOf(y)[i] // again: the arrays may move below
		if rx != ry && !w.identicalTo(rx, ry, depth-1) {
			return false
		}
	}
	if w.same == nil {
		w.same = make(map[uint64]int8)
	}
	w.same[key] = depth // smaller than what was there, or it would have been enough
	return true
}
