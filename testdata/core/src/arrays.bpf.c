/* Elements of arrays: of structs, in more than one dimension, without a size, and of the pointer itself. */
#include "core.h"
struct cgroup_subsys_state { int id; } CORE;
struct css_set { struct cgroup_subsys_state *subsys[4]; } CORE;
struct pid_link { int x; } CORE;
struct upid { int nr; void *ns; } CORE;
struct pid { unsigned int level; struct upid numbers[]; } CORE;
struct rt_prio_array { unsigned long bitmap[2]; } CORE;
SEC("kprobe/a") long a(struct pid *p)
{
	int nr; struct cgroup_subsys_state *s; unsigned long b; struct css_set *c = (void *)p; struct upid *u = (void *)p; struct rt_prio_array *r = (void *)p;
	READ(&nr, &p->numbers[2].nr); READ(&s, &c->subsys[1]); READ(&b, &r->bitmap[1]);
	int more; READ(&more, &u[3].nr);
	return nr + (s == 0) + b + more;
}
