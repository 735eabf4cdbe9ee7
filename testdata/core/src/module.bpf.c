/* Types of the module gobtf_demo beside those of the kernel. */
#include "core.h"
struct list_head { struct list_head *next; } CORE;
enum demo_state { DEMO_IDLE };
struct demo_stats { enum demo_state state; } CORE;
struct demo_obj { struct list_head list; struct demo_stats *stats; } CORE;
struct task_struct { int pid; } CORE;
SEC("kprobe/a") long a(struct demo_obj *o)
{
	int pid; struct demo_stats *s; struct list_head *n; struct task_struct *t = (void *)o;
	READ(&pid, &t->pid); READ(&s, &o->stats); READ(&n, &o->list.next);
	return pid + (n == 0) + HAS_FIELD(s->state);
}
