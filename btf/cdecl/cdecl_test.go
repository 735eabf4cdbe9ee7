package cdecl

import (
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// Types are written as C writes them: what binds closer stands nearer to the name.
func TestDeclare(t *testing.T) {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	s := b.AddStruct("s", 4, btf.Member{Name: "a", Type: i})
	p := b.AddPtr(s)
	cases := []struct {
		id         btf.TypeID
		typ, named string
	}{
		{0, "void", "void x"},
		{i, "int", "int x"},
		{p, "struct s *", "struct s *x"},
		{b.AddConst(p), "struct s *const", "struct s *const x"},
		{b.AddPtr(b.AddConst(b.AddVolatile(s))), "const volatile struct s *", "const volatile struct s *x"},
		{b.AddRestrict(b.AddPtr(0)), "void *restrict", "void *restrict x"},
		{b.AddArray(i, i, 10), "int[10]", "int x[10]"},
		{b.AddArray(b.AddArray(i, i, 3), i, 1234567890), "int[1234567890][3]", "int x[1234567890][3]"},
		{b.AddPtr(b.AddArray(i, i, 2)), "int (*)[2]", "int (*x)[2]"},
		{b.AddArray(p, i, 2), "struct s *[2]", "struct s *x[2]"},
		{b.AddFuncProto(p, btf.Param{Name: "a", Type: i}, btf.Param{}), "struct s *(int a, ...)", "struct s *x(int a, ...)"},
		{b.AddPtr(b.AddFuncProto(0)), "void (*)(void)", "void (*x)(void)"},
		{b.AddPtr(b.AddTypeTag("user", i, false)), "__user int *", "__user int *x"},
		{b.AddPtr(b.AddTypeTag("address_space(1)", i, true)), "__attribute__((address_space(1))) int *", "__attribute__((address_space(1))) int *x"},
		{b.AddUnion("u", 4), "union u", "union u x"},
		{b.AddEnum("e", 4, false, btf.Value{Name: "E", Value: 1}), "enum e", "enum e x"},
		{b.AddEnum64("e64", 8, false, btf.Value{Name: "E64", Value: 1 << 40}), "enum e64", "enum e64 x"},
		{b.AddFwd("f", false), "struct f", "struct f x"},
		{b.AddFwd("f", true), "union f", "union f x"},
		{b.AddStruct("", 0), "struct {...}", "struct {...} x"},
		{b.AddTypedef("td", s), "td", "td x"},
		{b.AddFloat("double", 8), "double", "double x"},
	}
	deep := i
	for range MaxNesting - 1 {
		deep = b.AddPtr(deep)
	}
	tooDeep := b.AddPtr(deep)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := strings.ReplaceAll(TypeString(ts, c.id), "int [", "int["); got != c.typ {
			t.Errorf("type %d: %q, want %q", c.id, got, c.typ)
		}
		if got := Declare(ts, c.id, "x"); got != c.named {
			t.Errorf("type %d: %q, want %q", c.id, got, c.named)
		}
	}
	stars := strings.Repeat("*", MaxNesting-1)
	if got := TypeString(ts, deep); got != "int "+stars {
		t.Errorf("%d pointers: %q", MaxNesting-1, got)
	}
	if got := TypeString(ts, tooDeep); got != "... "+stars+"*" {
		t.Errorf("%d pointers: %q", MaxNesting, got)
	}
}
