/* Everything that is asked of bitfields. */
#include "core.h"
struct sk_buff { unsigned char cloned:1, nohdr:1, pkt_type:3; unsigned short vlan_tci; } CORE;
struct tcp_sock { unsigned char nonagle:4, thin_lto:1; } CORE;
SEC("socket") int a(struct sk_buff *s)
{
	struct tcp_sock *t = (void *)s;
	return FIELD_OFFSET(s->cloned) + FIELD_SIZE(s->cloned) + FIELD_LSHIFT(s->cloned) + FIELD_RSHIFT(s->cloned) + FIELD_SIGNED(s->cloned) +
		FIELD_OFFSET(s->pkt_type) + FIELD_LSHIFT(s->pkt_type) + FIELD_SIZE(s->vlan_tci) + FIELD_RSHIFT(t->nonagle) + HAS_FIELD(t->nonagle);
}
