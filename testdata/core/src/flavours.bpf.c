/* Flavours: names behind three underscores do not count. One has a member that no kernel has. */
#include "core.h"
struct task_struct___new { unsigned int __state; } CORE;
struct task_struct___old { long state; } CORE;
struct task_struct___none { int this_is_in_no_kernel; } CORE;
SEC("kprobe/a") int a(void *t)
{
	unsigned int s = 0; long old = 0; int none = 0;
	if (HAS_FIELD(((struct task_struct___new *)t)->__state)) READ(&s, &((struct task_struct___new *)t)->__state);
	else READ(&old, &((struct task_struct___old *)t)->state);
	if (HAS_FIELD(((struct task_struct___none *)t)->this_is_in_no_kernel)) READ(&none, &((struct task_struct___none *)t)->this_is_in_no_kernel);
	return s + old + none;
}
