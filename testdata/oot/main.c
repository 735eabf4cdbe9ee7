// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gobtf_oot prints, when it is loaded, the ids that it sees through its BTF_ID lists and sets, and what came of
 * registering its kfuncs: "gobtf_oot: id KIND NAME ID" (kfunc for the set's) and "gobtf_oot: kfuncs STATUS". tools/boot looks each id up
 * in the BTF that the kernel shows.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include "oot.h"

DEFINE_PER_CPU(struct gobtf_oot_stats, gobtf_oot_stats);
static DEFINE_PER_CPU(int, gobtf_oot_depth);

struct gobtf_oot_item gobtf_oot_first = { .list = LIST_HEAD_INIT(gobtf_oot_first.list) };

BTF_ID_LIST(gobtf_oot_ids)
BTF_ID(struct, sk_buff)
BTF_ID(struct, task_struct)
BTF_ID(struct, gobtf_oot_item)
BTF_ID(typedef, gobtf_oot_fn)
BTF_ID(func, gobtf_oot_account)

static const char *const names[] = {
	"struct sk_buff", "struct task_struct", "struct gobtf_oot_item", "typedef gobtf_oot_fn", "func gobtf_oot_account",
};

BTF_ID_LIST_SINGLE(gobtf_oot_single, struct, list_head)

BTF_SET_START(gobtf_oot_set)
BTF_ID(func, gobtf_oot_init)
BTF_ID(func, gobtf_oot_account)
BTF_SET_END(gobtf_oot_set)

noinline void gobtf_oot_account(const struct sk_buff *skb, int dir)
{
	struct gobtf_oot_stats *s = this_cpu_ptr(&gobtf_oot_stats);

	s->packets[dir & 1]++;
	s->bytes[dir & 1][0] += skb ? skb->len : 0;
	this_cpu_inc(gobtf_oot_depth);
}

static noinline int __init gobtf_oot_init(void)
{
	unsigned int i;
	int err;

	gobtf_oot_account(gobtf_oot_first.skb, 1);
	err = gobtf_oot_kfuncs_init();
	for (i = 0; i < ARRAY_SIZE(names); i++)
		pr_info("gobtf_oot: id %s %u\n", names[i], gobtf_oot_ids[i]);
	pr_info("gobtf_oot: id struct list_head %u\n", gobtf_oot_single[0]);
	pr_info("gobtf_oot: set %u sorted %d\n", gobtf_oot_set.cnt, gobtf_oot_set.ids[0] < gobtf_oot_set.ids[1]);
	pr_info("gobtf_oot: kfuncs %d\n", err);
	return 0;
}

static void __exit gobtf_oot_exit(void)
{
}

module_init(gobtf_oot_init);
module_exit(gobtf_oot_exit);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("gobtf's out-of-tree test module");
