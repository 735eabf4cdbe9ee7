package encoder

import (
	"strconv"
	"strings"
)

// Features is a set of --btf_features.
type Features uint32

// The features, in the order in which --supported_btf_features prints them.
const (
	EncodeForce       Features = 1 << iota // leave invalid names out instead of failing
	Var                                    // VAR and DATASEC of percpu variables
	Float                                  // FLOAT
	DeclTag                                // DECL_TAG
	TypeTag                                // TYPE_TAG
	Enum64                                 // ENUM64
	OptimizedFunc                          // functions with .isra, .constprop names: no effect in pahole 1.32
	ConsistentFunc                         // only functions whose prototypes agree and whose parameters are where the ABI says
	DeclTagKfuncs                          // "bpf_kfunc" on what .BTF_ids lists
	ReproducibleBuild                      // no effect: output never depends on the number of workers
	DistilledBase                          // .BTF.base beside .BTF, in place only
	GlobalVar                              // VAR and DATASEC of all global variables
	Attributes                             // tags with kind_flag
	TrueSignature                          // the parameters a function has after optimization
	ForceCUMerging                         // all units are one, as with LTO
	Layout                                 // libbpf 1.8's kind layout: no effect, as with libbpf 1.7
)

// feature is the one description of a feature that parsing, printing, docs and tests go by.
type feature struct {
	name   string
	bit    Features
	off    bool   // not on when no list is given at all (most are not)
	inDef  bool   // part of "default"
	inAll  bool   // part of "all"
	since  string // the pahole that has it first
	hidden bool   // accepted, not listed
}

var features = [...]feature{
	{name: "encode_force", bit: EncodeForce, off: true, inDef: true, inAll: true, since: "1.26"},
	{name: "var", bit: Var, inDef: true, inAll: true, since: "1.26"},
	{name: "float", bit: Float, off: true, inDef: true, inAll: true, since: "1.26"},
	{name: "decl_tag", bit: DeclTag, inDef: true, inAll: true, since: "1.26"},
	{name: "type_tag", bit: TypeTag, inDef: true, inAll: true, since: "1.26"},
	{name: "enum64", bit: Enum64, inDef: true, inAll: true, since: "1.26"},
	{name: "optimized_func", bit: OptimizedFunc, off: true, inDef: true, inAll: true, since: "1.26"},
	{name: "consistent_func", bit: ConsistentFunc, off: true, inDef: true, inAll: true, since: "1.26"},
	{name: "decl_tag_kfuncs", bit: DeclTagKfuncs, off: true, inDef: true, inAll: true, since: "1.27"},
	{name: "reproducible_build", bit: ReproducibleBuild, off: true, inAll: true, since: "1.27"},
	{name: "distilled_base", bit: DistilledBase, off: true, since: "1.28"},
	{name: "global_var", bit: GlobalVar, off: true, inAll: true, since: "1.28"},
	{name: "attributes", bit: Attributes, off: true, inAll: true, since: "1.30"},
	{name: "true_signature", bit: TrueSignature, off: true, inAll: true, since: "1.32"},
	{name: "force_cu_merging", bit: ForceCUMerging, off: true, since: "1.32"},
	{name: "layout", bit: Layout, off: true, since: "1.32", hidden: true},
}

// The three sets that have a name or need none.
var (
	ImplicitFeatures = featureSet(func(f feature) bool { return !f.off }) // no list was given at all
	DefaultFeatures  = featureSet(func(f feature) bool { return f.inDef })
	AllFeatures      = featureSet(func(f feature) bool { return f.inAll })
)

func featureSet(has func(feature) bool) (set Features) {
	for _, f := range features {
		if has(f) {
			set |= f.bit
		}
	}
	return set
}

// Has reports whether all of f are in the set.
func (s Features) Has(f Features) bool { return s&f == f }

// String returns the set as a list that ParseFeatures reads.
func (s Features) String() string {
	var names []string
	for _, f := range features {
		if s&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ",")
}

// FeatureNames returns what --supported_btf_features prints, in its order.
func FeatureNames() []string {
	var names []string
	for _, f := range features {
		if !f.hidden {
			names = append(names, f.name)
		}
	}
	return names
}

// maxFeatureList is where pahole cuts a list.
const maxFeatureList = 1024

// ParseFeatures reads a list as --btf_features takes it: names separated by commas, "default" and "all" among them,
// empty ones ignored; a leading + adds "default". Names it does not know are left out and returned.
func ParseFeatures(list string) (set Features, unknown []string) {
	if len(list) > 0 && list[0] == '+' {
		set, list = DefaultFeatures, list[1:]
	}
	if len(list) > maxFeatureList {
		list = list[:maxFeatureList]
	}
	for _, name := range strings.Split(list, ",") {
		switch bit := featureBit(name); {
		case name == "":
		case name == "default":
			set |= DefaultFeatures
		case name == "all":
			set |= AllFeatures
		case bit != 0:
			set |= bit
		default:
			unknown = append(unknown, name)
		}
	}
	return set, unknown
}

func featureBit(name string) Features {
	for _, f := range features {
		if f.name == name {
			return f.bit
		}
	}
	return 0
}

// KnownTo returns the features that a pahole of version 1.minor has, whether it takes them in a list (from 1.26 on) or by an option each.
func KnownTo(minor int) (set Features) {
	for _, f := range features {
		since, err := strconv.Atoi(strings.TrimPrefix(f.since, "1."))
		if err == nil && minor >= min(since, f.optionSince()) {
			set |= f.bit
		}
	}
	return set
}

// optionSince is the pahole 1.N that first has the feature by an option of its own, or always.
func (f feature) optionSince() int {
	switch f.bit {
	case Var, EncodeForce:
		return 0
	case Float:
		return 22
	case DeclTag, TypeTag, Enum64:
		return 24
	case OptimizedFunc, ConsistentFunc:
		return 25
	}
	return 1000
}
