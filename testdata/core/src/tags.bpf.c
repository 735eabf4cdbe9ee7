/* Pointers that the kernel marks (__rcu, __user), per-CPU data, forward declarations. */
#include "core.h"
struct css_set; struct signal_struct;
struct task_struct { struct css_set *cgroups; struct task_struct *real_parent; struct signal_struct *signal; int *set_child_tid; } CORE;
struct net_device { char name[16]; int ifindex; struct net *nd_net; } CORE;
SEC("kprobe/a") long a(struct task_struct *t)
{
	void *p, *q, *r; int i; struct net_device *d = (void *)t;
	READ(&p, (void **)&t->cgroups); READ(&q, (void **)&t->signal); READ(&r, (void **)&t->set_child_tid); READ(&i, &d->ifindex);
	return (p == q) + (r == 0) + i + HAS_FIELD(t->real_parent);
}
