/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef GOBTF_OOT_H
#define GOBTF_OOT_H

#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/version.h>

/* Registered kfuncs, in sets of ids and flags, came with 6.0; 5.10 loads the rest of the module. */
#define GOBTF_KFUNCS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0))

enum gobtf_oot_state { GOBTF_OOT_NEW, GOBTF_OOT_SEEN, GOBTF_OOT_GONE };

struct gobtf_oot_stats {
	u64 packets[2];
	u64 bytes[2][3];
	enum gobtf_oot_state state : 4;
	unsigned int depth : 12;
};

typedef int (*gobtf_oot_fn)(struct sk_buff *skb, const struct gobtf_oot_stats *stats);

struct gobtf_oot_item {
	struct list_head list;
	struct sk_buff *skb;
	gobtf_oot_fn fn;
	union {
		struct gobtf_oot_stats *stats;
		unsigned long cookie;
	};
};

extern struct gobtf_oot_item gobtf_oot_first;
void gobtf_oot_account(const struct sk_buff *skb, int dir);
int gobtf_oot_kfuncs_init(void);

#endif
