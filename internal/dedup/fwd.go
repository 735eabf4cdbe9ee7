package dedup

import "github.com/gobtf/gobtf/internal/graph"

// forwards is phase 4: a FWD that no comparison has led to its definition becomes
// the only canonical STRUCT or UNION of its name, if there is exactly one, base
// included. The base's own FWDs stay as they are.
// Rule dedup/names.
func (d *run) forwards() {
	var byName map[graph.StrID]uint32 // id; 0: none yet; ambiguous: more than one
	for _, id := range d.fwds {
		if d.node[id].m == id {
			if byName == nil {
				byName = make(map[graph.StrID]uint32)
			}
			name, _ := d.nameInfo(d.shape[id])
			byName[name] = 0
		}
	}
	if byName == nil {
		return
	}
	const ambiguous = busy
	if d.base != nil {
		offs := make(map[uint32]graph.StrID, len(byName))
		for name := range byName {
			if off, ok := d.baseOffset(name); ok {
				offs[off] = name
			}
		}
		d.base.structs(func(id, nameOff uint32) {
			if name, ok := offs[nameOff]; ok {
				if byName[name] != 0 {
					id = ambiguous
				}
				byName[name] = id
			}
		})
	}
	for _, id := range d.structs {
		name, _ := d.nameInfo(d.shape[id])
		if had, ok := byName[name]; ok {
			if had != 0 {
				id = ambiguous
			}
			byName[name] = id
		}
	}
	for _, id := range d.fwds {
		if d.node[id].m != id {
			continue
		}
		name, info := d.nameInfo(d.shape[id])
		if def := byName[name]; def != 0 && def != ambiguous && announces(info, d.shapeOf(def).Kind()) {
			d.node[id].m = def | final
		}
	}
}
