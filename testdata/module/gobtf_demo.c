// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A small module with what module BTF has to carry: structs of its own on top of the kernel's, a per-cpu variable, kfuncs. */
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/bpf.h>

enum demo_state { DEMO_IDLE, DEMO_BUSY, DEMO_STUCK = 0x100000000ULL };

struct demo_stats {
	u64 hits[2][3];
	u32 misses;
	enum demo_state state;
	unsigned int hot : 3, cold : 5;
};

struct demo_obj {
	struct list_head list;
	struct demo_stats *stats;
	spinlock_t lock;
	refcount_t refs;
	union {
		struct rcu_head rcu;
		void (*release)(struct demo_obj *obj, gfp_t gfp);
	};
	const char *name;
};

static DEFINE_PER_CPU(struct demo_stats, demo_stats);
static DEFINE_PER_CPU(int, demo_depth);
static LIST_HEAD(demo_list);
static struct demo_obj demo_first = { .name = "first" };

__bpf_kfunc_start_defs();

__bpf_kfunc struct demo_obj *gobtf_demo_acquire(struct task_struct *task, u64 id)
{
	struct demo_stats *s = this_cpu_ptr(&demo_stats);

	s->hits[task ? 1 : 0][id % 3]++;
	return list_first_entry_or_null(&demo_list, struct demo_obj, list);
}

__bpf_kfunc void gobtf_demo_release(struct demo_obj *obj)
{
	if (obj && obj->release)
		obj->release(obj, GFP_KERNEL);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(gobtf_demo_ids)
BTF_ID_FLAGS(func, gobtf_demo_acquire, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, gobtf_demo_release, KF_RELEASE)
BTF_KFUNCS_END(gobtf_demo_ids)

static const struct btf_kfunc_id_set gobtf_demo_set = {
	.owner = THIS_MODULE,
	.set = &gobtf_demo_ids,
};

static noinline int demo_count(const struct list_head *head, int limit)
{
	const struct list_head *pos;
	int n = 0;

	list_for_each(pos, head)
		if (++n >= limit)
			break;
	return n;
}

static int __init gobtf_demo_init(void)
{
	list_add(&demo_first.list, &demo_list);
	demo_first.stats = per_cpu_ptr(&demo_stats, 0);
	this_cpu_inc(demo_depth);
	pr_info("gobtf_demo: %d objects\n", demo_count(&demo_list, 10));
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &gobtf_demo_set);
}

static void __exit gobtf_demo_exit(void)
{
	list_del(&demo_first.list);
}

module_init(gobtf_demo_init);
module_exit(gobtf_demo_exit);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("gobtf's test module");
