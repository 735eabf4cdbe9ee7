// Package diff says in what two BTFs differ, by meaning: ids, order and the layout of strings do not count.
//
// In: two *btf.Types, each alone or on a base. Out: a Result, which says what was added, removed and changed, in the words of C, and
// how those who use the types by CO-RE, call kfuncs or attach to functions are affected. How a Result is shown is btf/diff/report's
// business.
//
// # How types find each other
//
// A type that has a name is looked for under its kind and name. A type without a name (a pointer, an array, a prototype, an anonymous
// struct) belongs to the type that uses it and is compared there.
//
// The signature of a type is a hash of all in its record, where a reference to a type with a name counts as that name, and one to a
// type without a name as that type's signature. So a type whose signature is the same on both sides did not change, and a struct does
// not count as changed because a struct did that one of its members points to.
//
// Several types of one name are told apart by their signature (space.refine): those with equal ones belong together; of the others
// those that have the most in common. Where a reference leads to such a name, it counts as the name and the place in that matching,
// which may tell more types apart; this is repeated until it tells no more apart. The outcome is a bisimulation of the two graphs up to
// the pairs that are reported as changed.
//
// A tag that is only declared somewhere (FWD, an enum without values) may stand for each of its definitions. References to it count as
// the name alone, and the definitions are compared by themselves.
//
// Split BTF sees its base: a type of its own that the other side has in its base is there. What only the bases have is not compared;
// Compare says in a note when they differ in something that both refer to.
//
// Before it: btf. After it: btf/diff/report, against, cmd/gobtf.
package diff
