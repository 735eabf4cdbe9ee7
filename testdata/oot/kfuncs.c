// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Two kfuncs and their set: the ids in it are the only ones of a module that the kernel relocates by itself. */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/sched.h>
#include "oot.h"

#if GOBTF_KFUNCS

#ifndef BTF_KFUNCS_START /* before 6.9 */
#define BTF_KFUNCS_START BTF_SET8_START
#define BTF_KFUNCS_END BTF_SET8_END
#endif
#ifndef __bpf_kfunc /* before 6.3 */
#define __bpf_kfunc __used noinline
#endif
#ifndef __bpf_kfunc_start_defs /* before 6.7 */
#define __bpf_kfunc_start_defs() __diag_push(); __diag_ignore_all("-Wmissing-prototypes", "kfuncs")
#define __bpf_kfunc_end_defs() __diag_pop()
#endif

__bpf_kfunc_start_defs();

__bpf_kfunc struct gobtf_oot_item *gobtf_oot_get(struct task_struct *task, u64 cookie)
{
	if (!task || cookie != gobtf_oot_first.cookie)
		return NULL;
	gobtf_oot_account(gobtf_oot_first.skb, 0);
	return &gobtf_oot_first;
}

__bpf_kfunc void gobtf_oot_put(struct gobtf_oot_item *item)
{
	if (item && item->fn)
		item->fn(item->skb, item->stats);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(gobtf_oot_kfuncs)
BTF_ID_FLAGS(func, gobtf_oot_get, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, gobtf_oot_put, KF_RELEASE)
BTF_KFUNCS_END(gobtf_oot_kfuncs)

static const struct btf_kfunc_id_set gobtf_oot_kfunc_set = { .owner = THIS_MODULE, .set = &gobtf_oot_kfuncs };

int gobtf_oot_kfuncs_init(void)
{
	int err = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &gobtf_oot_kfunc_set);
	unsigned int i;

	/* Sorted by id, so the flags tell which is which. */
	for (i = 0; i < gobtf_oot_kfuncs.cnt; i++)
		pr_info("gobtf_oot: kfunc func %s %u\n",
			gobtf_oot_kfuncs.pairs[i].flags & KF_ACQUIRE ? "gobtf_oot_get" : "gobtf_oot_put", gobtf_oot_kfuncs.pairs[i].id);
	return err;
}

#else

int gobtf_oot_kfuncs_init(void)
{
	return 0;
}

#endif
